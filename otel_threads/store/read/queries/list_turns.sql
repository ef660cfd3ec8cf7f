-- Turns of a thread, oldest first. $after: the last turn_index of the page before, or -1; they are
-- numbered without a gap, so a bound does what a LIMIT would, at half of its cost for wide rows.
-- $first, $last: bound their start, for zone maps.
select * from turns
where project = $project and thread_id = $thread_id
    and turn_index > $after and turn_index <= $after + $limit
    and start_time_unix_nano >= $first and start_time_unix_nano <= $last
order by turn_index
