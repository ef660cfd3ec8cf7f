-- Messages of some threads, in no order.
-- wanted: (project, thread_id). $first, $last: bound the start of their turns, for zone maps.
select m.* from messages m
semi join wanted w on m.thread_id = w.thread_id and m.project = w.project
where m.start_time_unix_nano >= $first and m.start_time_unix_nano <= $last
