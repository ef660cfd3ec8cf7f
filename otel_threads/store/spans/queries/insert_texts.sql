-- Store what records of a commit add to chains: no span has these texts.
-- new_texts: (project, unix_nano, value, chunk_index, chain_id, chain_row, chain_chars). $sequence: the commit.
insert into x_content_chunks by name
select
    $sequence as ingest_seq, project, '' as trace_id, '' as span_id,
    make_timestamptz(unix_nano // 1000) as start_time, '' as key, value, chunk_index, chain_id, chain_row,
    chain_chars
from new_texts
