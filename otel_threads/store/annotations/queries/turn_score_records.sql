-- Current scores on turns, traces and spans of some threads.
-- $thread_ids: the threads, as json_list; ids of other projects are told apart by the caller.
select * from x_turn_score_records
where thread_id in (select unnest(from_json($thread_ids, '["varchar"]')))
