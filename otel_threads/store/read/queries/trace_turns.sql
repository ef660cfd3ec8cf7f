-- Turns that a trace is part of, in one thread, in no order. $first, $last: when the trace was under way, for
-- zone maps: no turn of it ends before or starts after.
select * from turns
where project = $project and thread_id = $thread_id and list_contains(trace_ids, $trace_id)
    and end_time_unix_nano >= $first and start_time_unix_nano <= $last
