-- Turns that a trace is part of, by thread and time.
-- $threads: its threads. $end: no turn of it starts later.
select * from turns
where start_time_unix_nano <= $end
    and ((thread_id is null and project = $project and trace_id = $trace_id)
        or (project = $project and list_contains($threads, thread_id)
            and list_contains(trace_ids, $trace_id)))
order by start_time_unix_nano, thread_id, turn_index
