-- Messages of the turns of a trace that has no thread.
select * from messages
where thread_id is null and project = $project and trace_id = $trace_id
order by turn_index, message_index
