-- Threads whose last activity is longer ago than the lake keeps them, the oldest first. Gives
-- old_threads. kept_days: (project, days) of projects with days of their own. $days: of all others, 0
-- for all time. $now: the time. $most: how many.
create or replace temp table old_threads as
select f.project, f.thread_id, length(f.project) || ':' || f.project || f.thread_id as unit
from lake.x_thread_facts f left join kept_days k on k.project = f.project
where coalesce(k.days, $days) > 0
    and f.last_activity_time < $now::timestamptz - to_days(1) * coalesce(k.days, $days)
order by f.last_activity_time limit $most
