-- Scores of some threads, those that a new trace superseded included.
-- $thread_ids: the threads, as json_list; ids of other projects are told apart by the caller.
select * from x_score_records
where trace_id is null and thread_id in (select unnest(from_json($thread_ids, '["varchar"]')))
