-- Chunks of the long values of some turns and of their messages, in no order.
-- cut_turns: (project, thread_id, trace_id, turn_index). $first, $last: bound their start, for zone maps.
select p.* exclude (start_time_unix_nano) from x_turn_chunks p
semi join cut_turns c
    on c.trace_id = p.trace_id and c.turn_index = p.turn_index and c.project = p.project
    and c.thread_id is not distinct from p.thread_id
where p.start_time_unix_nano >= $first and p.start_time_unix_nano <= $last
