-- Threads that some traces belonged to before they were derived again, with the earliest turn of
-- theirs that may change, and when those traces ended.
-- work_ids: (trace_id). $first: no span of them starts earlier. $last: none later, null: unknown.
select project, thread_id, min(start_time_unix_nano) as first,
    max(end_time_unix_nano) as last
from x_trace_slices s semi join work_ids w on s.trace_id = w.trace_id
where start_time_unix_nano >= $first and ($last is null or start_time_unix_nano <= $last)
    and thread_id is not null
group by project, thread_id
