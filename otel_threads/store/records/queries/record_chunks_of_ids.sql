-- Bodies of records that stand in pieces. record_ids: (record_id). $upto: the last commit.
select c.ingest_seq, c.place, c.chunk_index, c.value, c.chain_id, c.chain_row, c.chain_chars,
    c.record_id::varchar as record_id
from x_sdk_record_chunks c
semi join (select record_id::uuid as record_id from record_ids) i on c.record_id = i.record_id
where c.ingest_seq <= $upto
