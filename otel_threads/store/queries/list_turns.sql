-- Turns of a thread, oldest first. $after: the last turn_index of the page before, or -1.
-- $first, $last: bound their start, for zone maps.
select * from turns
where project = $project and thread_id = $thread_id and turn_index > $after
    and start_time_unix_nano >= $first and start_time_unix_nano <= $last
order by turn_index
limit $limit
