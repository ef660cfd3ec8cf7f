-- Messages of some turns of a thread, in no order.
-- $from, $upto: the turns. $first, $last: bound their start, for zone maps.
select * from messages
where project = $project and thread_id = $thread_id
    and turn_index >= $from and turn_index <= $upto
    and start_time_unix_nano >= $first and start_time_unix_nano <= $last
