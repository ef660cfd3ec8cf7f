-- Which targets are not here, and a project that has the thread's id.
-- given: (place, trace_key, project, thread_id, trace_id, span_id). Spans are looked for in the time of
-- their traces, for zone maps.
with bounds as (
    select t.trace_id, min(t.start_time_unix_nano) as first, max(t.end_time_unix_nano) as last
    from traces t semi join given g on g.trace_key = t.trace_key and g.trace_id = t.trace_id
    group by t.trace_id
),
wanted as (
    select distinct g.trace_id, g.span_id from given g
    where g.span_id is not null and g.trace_id in (select trace_id from bounds)
),
spans_here as (
    select s.trace_id, s.span_id from spans s semi join wanted w
        on w.trace_id = s.trace_id and w.span_id = s.span_id
    where s.start_time_unix_nano >= (select min(first) from bounds)
        and s.start_time_unix_nano <= (select max(last) from bounds)
),
threads_here as (
    select f.project, f.thread_id from x_thread_facts f
    where f.thread_id in (select thread_id from given)
)
select
    g.place,
    (select min(t.project) from threads_here t where t.thread_id = g.thread_id) as elsewhere
from given g
where case
    when g.trace_id is null then not exists (
        select 1 from threads_here t where t.thread_id = g.thread_id and t.project = g.project)
    when g.span_id is null then g.trace_id not in (select trace_id from bounds)
    else not exists (
        select 1 from spans_here s where s.trace_id = g.trace_id and s.span_id = g.span_id)
end
