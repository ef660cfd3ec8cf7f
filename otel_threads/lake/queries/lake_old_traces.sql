-- Traces that ended longer ago than the lake keeps them, of no thread but old ones, the oldest first.
-- Gives old_traces. old_threads, kept_days, $days, $now, $most: as in lake_old_threads.sql.
create or replace temp table old_traces as
with s as (
    select
        trace_id,
        bool_and((project, thread_id) in (select (project, thread_id) from old_threads)) as is_old
    from lake.x_trace_slices where thread_id is not null group by trace_id
)
select t.trace_id as unit
from lake.traces t
left join kept_days k on k.project = t.project
left join s on s.trace_id = t.trace_id
where coalesce(k.days, $days) > 0
    and t.end_time < $now::timestamptz - to_days(1) * coalesce(k.days, $days) and coalesce(s.is_old, true)
order by t.end_time limit $most
