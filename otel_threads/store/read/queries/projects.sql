-- Every project with what it holds and its own settings, the most recently active first.
select
    t.project,
    coalesce(any_value(f.thread_count), 0) as thread_count,
    count(*) as trace_count,
    max(t.end_time) as last_activity_time,
    any_value(s.thread_cooldown_s) as thread_cooldown_s,
    any_value(s.retention_days) as retention_days,
    any_value(s.input_path) as input_path,
    any_value(s.output_path) as output_path
from traces t
left join (select project, count(*) as thread_count from x_thread_facts group by project) f
    on f.project = t.project
left join x_project_settings s on s.project = t.project
group by t.project
order by last_activity_time desc, t.project
