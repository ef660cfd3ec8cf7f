-- Every project with what it holds, the most recently active first.
select
    t.project,
    coalesce(any_value(f.thread_count), 0) as thread_count,
    count(*) as trace_count,
    max(t.end_time) as last_activity_time
from traces t
left join (select project, count(*) as thread_count from thread_facts group by project) f
    on f.project = t.project
group by t.project
order by last_activity_time desc, t.project
