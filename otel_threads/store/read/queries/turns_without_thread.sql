-- Turns of a trace that belong to no thread. $first, $last: bound their start.
select * from turns
where start_time_unix_nano >= $first and start_time_unix_nano <= $last
    and thread_id is null and project = $project and trace_id = $trace_id
