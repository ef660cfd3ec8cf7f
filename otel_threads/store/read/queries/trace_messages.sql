-- Messages of the turns of a trace that has no thread. $first, $last: bound the start of the turns.
select * from messages
where thread_id is null and project = $project and trace_id = $trace_id
    and start_time_unix_nano >= $first and start_time_unix_nano <= $last
