-- The earliest trace of some threads, and the three that ended last.
-- wanted: (project, thread_id). $first, $last: bound the times of their traces.
select t.* from traces t
where t.end_time_unix_nano >= $first and t.start_time_unix_nano <= $last
    and exists (select 1 from wanted w
        where w.thread_id = t.thread_id and w.project = t.project)
qualify row_number() over (
        partition by t.project, t.thread_id order by t.start_time_unix_nano, t.trace_id) = 1
    or row_number() over (
        partition by t.project, t.thread_id order by t.end_time_unix_nano desc, t.trace_id desc) <= 3
