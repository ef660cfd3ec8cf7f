-- All records of some ids, of commits up to one. Long bodies are null: record_chunks_of_ids has them.
-- record_ids: (record_id). $upto: the last commit.
select
    r.ingest_seq, r.place, r.received_unix_nano, r.vendor, r.entity, r.op,
    r.record_id::varchar as record_id, r.trace_record_id, r.project, r.stamp_unix_nano, r.body
from x_sdk_records r
semi join (select record_id::uuid as record_id from record_ids) i on r.record_id = i.record_id
where r.ingest_seq <= $upto
