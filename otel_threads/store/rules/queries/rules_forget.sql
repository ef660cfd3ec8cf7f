-- Forgets what rules decided about threads that are judged elsewhere from now on.
-- given: project and thread_id.
delete from rule_decisions d using given g
where d.project = g.project and d.thread_id = g.thread_id
