-- Which projects have some threads: a row for each of both. $ids: as json_list.
select thread_id as id, project from x_thread_facts
where thread_id in (select unnest(from_json($ids, '["varchar"]')))
