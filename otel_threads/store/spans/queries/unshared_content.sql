-- The long values of some commits that share nothing, whole, in the order in which they came.
-- $first, $last: the commits. $shortest: characters of a value. Spans that were folded from records
-- are written anew whenever a record comes: their values belong to nobody else.
select
    c.project, c.trace_id, c.span_id, c.start_time, c.ingest_seq, c.event_index, c.key,
    string_agg(c.value, '' order by c.chunk_index) as value, list(c.rowid) as row_ids
from x_content_chunks c
anti join (
    select project, trace_id, span_id from spans where record_id is not null
) r on c.project = r.project and c.trace_id = r.trace_id and c.span_id = r.span_id
where c.chain_id is null and c.ingest_seq between $first and $last
group by all
having length(value) >= $shortest
order by c.ingest_seq, min(c.rowid)
