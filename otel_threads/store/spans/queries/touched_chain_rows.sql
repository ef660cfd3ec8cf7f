-- All rows of the chains that rows which go belong to, chain by chain; what records have of them are rows
-- without a text of their own. A row that only refers to the text after another comes after that.
-- going_rows: (row_id, chain_id); row_id is null for a chain of which records go.
-- $low, $high: bounds of the chains. $first: no row of them came before.
select row_id, chain_id, chain_chars, own_chars, is_disowned, is_going
from (
    select
        t.rowid as row_id, t.chain_id, t.chain_row, t.chain_chars, length(t.value) as own_chars,
        t.span_id = '' as is_disowned,
        t.rowid in (select row_id from going_rows where row_id is not null) as is_going
    from x_content_chunks t
    where t.chain_id >= $low and t.chain_id <= $high and t.ingest_seq >= $first
        and t.chain_id in (select chain_id from going_rows)
    union all
    select
        null as row_id, r.chain_id, r.chain_row, r.chain_chars, 0 as own_chars, false as is_disowned,
        false as is_going
    from (
        select chain_id, chain_row, chain_chars from x_sdk_record_chunks
        union all select chain_id, chain_row, chain_chars from x_log_references
    ) r
    where r.chain_id >= $low and r.chain_id <= $high
        and r.chain_id in (select chain_id from going_rows)
)
order by chain_id, chain_row, chain_chars
