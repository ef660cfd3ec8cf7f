-- Where to begin again in each touched thread: at the last turn that starts before the change,
-- because the change may continue it; and how many turns stay as they are before that.
-- affected: (project, thread_id, first).
select a.project, a.thread_id, c.cut, count(t.turn_index) as kept
from affected a
join (
    select a.project, a.thread_id,
        coalesce(max(t.start_time_unix_nano), -9223372036854775808) as cut
    from affected a
    left join turns t
        on t.thread_id = a.thread_id and t.project = a.project and t.start_time_unix_nano < a.first
    group by a.project, a.thread_id
) c on c.project = a.project and c.thread_id = a.thread_id
left join turns t
    on t.thread_id = a.thread_id and t.project = a.project and t.start_time_unix_nano < c.cut
group by a.project, a.thread_id, c.cut
