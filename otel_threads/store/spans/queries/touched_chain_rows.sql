-- All rows of the chains that rows which go belong to, chain by chain.
-- going_rows: (row_id, chain_id). $low, $high: bounds of the chains. $first: no row of them came before.
select
    t.rowid as row_id, t.chain_id, t.chain_chars, length(t.value) as own_chars,
    t.span_id = '' as is_disowned, t.rowid in (select row_id from going_rows) as is_going
from x_content_chunks t
where t.chain_id >= $low and t.chain_id <= $high and t.ingest_seq >= $first
    and t.chain_id in (select chain_id from going_rows)
order by t.chain_id, t.chain_row
