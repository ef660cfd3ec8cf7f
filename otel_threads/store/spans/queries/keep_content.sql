-- Keep as much of some rows of chains as later rows begin with, without the span that they were of.
-- kept_rows: (row_id, chars).
insert into x_content_chunks by name
select
    t.ingest_seq, t.project, '' as trace_id, '' as span_id, t.start_time, '' as key,
    substring(t.value, 1, k.chars) as value, t.chain_id, t.chain_row, t.chain_chars
from x_content_chunks t join kept_rows k on t.rowid = k.row_id
