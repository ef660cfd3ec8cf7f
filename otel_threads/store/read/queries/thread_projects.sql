-- The projects that have one of some threads, and how many of them each has; the most first.
-- $ids: JSON list of thread ids.
select project, count(*) as thread_count
from x_thread_facts
where thread_id in (select unnest(from_json($ids, '["varchar"]')))
group by project
order by thread_count desc, project
limit 100
