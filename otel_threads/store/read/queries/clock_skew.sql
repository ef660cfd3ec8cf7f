-- Pairs of services where a child starts well before its parent, in the latest spans.
with recent as (
    select trace_id, span_id, parent_span_id, service_name, start_time_unix_nano
    from spans where rowid >= (select max(rowid) from spans) - $spans_max
)
select
    p.service_name as parent_service, c.service_name as child_service, count(*) as span_count,
    max(p.start_time_unix_nano - c.start_time_unix_nano) / 1e6 as skew_ms_max,
    (list(distinct c.trace_id))[:3] as examples
from recent c join recent p on p.trace_id = c.trace_id and p.span_id = c.parent_span_id
where c.start_time_unix_nano < p.start_time_unix_nano - 1000000000
group by p.service_name, c.service_name
order by span_count desc, parent_service, child_service
limit 20
