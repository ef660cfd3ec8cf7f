-- The earliest trace of some threads, and the three that ended last.
-- wanted: (project, thread_id). $first, $last: bound the times of their traces.
-- Found by narrow columns, then read whole: a thread may last as long as all others together.
select t.* from traces t
where t.rowid in (
    select row_id from (
        select
            n.rowid as row_id,
            row_number() over (
                partition by n.project, n.thread_id
                order by n.start_time_unix_nano, n.trace_id) as from_first,
            row_number() over (
                partition by n.project, n.thread_id
                order by n.end_time_unix_nano desc, n.trace_id desc) as from_last
        from traces n
        where n.end_time_unix_nano >= $first and n.start_time_unix_nano <= $last
            and exists (select 1 from wanted w
                where w.thread_id = n.thread_id and w.project = n.project)
    )
    where from_first = 1 or from_last <= 3
)
