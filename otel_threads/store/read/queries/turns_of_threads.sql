-- Turns of some threads, in no order: to read many threads at once costs a tenth of one by one.
-- wanted: (project, thread_id). $first, $last: bound their start, for zone maps.
select t.* from turns t
semi join wanted w on t.thread_id = w.thread_id and t.project = w.project
where t.start_time_unix_nano >= $first and t.start_time_unix_nano <= $last
