-- For each touched thread: how many turns start before the change, the last of them, over how many
-- traces that one goes, and where the failed turns begin that the change follows directly, if any:
-- what comes next may show what was asked in them. Reads no content.
-- affected: (project, thread_id, first).
-- $lowest, $highest: when the first of these threads began and the last ended, for zone maps.
with earlier as (
    select a.project, a.thread_id, a.first, t.start_time_unix_nano as start, t.has_error, t.trace_ids
    from affected a
    join turns t
        on t.thread_id = a.thread_id and t.project = a.project and t.start_time_unix_nano < a.first
    where t.start_time_unix_nano between $lowest and $highest
),
answered as (
    select project, thread_id, max(start) filter (not has_error) as upto
    from earlier group by project, thread_id
)
select
    a.project, a.thread_id, a.first,
    count(e.start) as kept,
    max(e.start) as before,
    max({'start': e.start, 'traces': len(e.trace_ids)}).traces as before_traces,
    -- From that very time on: where two began at once, the failed one may be the later.
    min(e.start) filter (e.has_error and e.start >= coalesce(o.upto, -1)) as failed_from
from affected a
left join earlier e on e.thread_id = a.thread_id and e.project = a.project
left join answered o on o.thread_id = a.thread_id and o.project = a.project
group by a.project, a.thread_id, a.first
