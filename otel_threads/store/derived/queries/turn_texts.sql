-- What one turn says.
select coalesce(assistant, "user") from turns
where project = $project and thread_id = $thread_id and turn_index = $turn_index
