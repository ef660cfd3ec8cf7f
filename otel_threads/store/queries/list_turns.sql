-- Turns of a thread, oldest first. $after: the last turn_index of the page before, or -1.
select * from turns
where project = $project and thread_id = $thread_id and turn_index > $after
order by turn_index
limit $limit
