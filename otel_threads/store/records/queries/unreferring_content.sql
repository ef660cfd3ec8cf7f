-- These values, whole. $first, $last: the commits.
select
    c.project, c.trace_id, c.span_id, c.start_time, c.ingest_seq, c.event_index, c.key,
    string_agg(c.value, '' order by c.chunk_index) as value, list(c.rowid) as row_ids, s.record_id
from x_content_chunks c
join (
    select project, trace_id, span_id, record_id from spans where record_id is not null
) s on c.project = s.project and c.trace_id = s.trace_id and c.span_id = s.span_id
where c.chain_id is null and c.ingest_seq between $first and $last
group by all
order by c.ingest_seq, min(c.rowid)
