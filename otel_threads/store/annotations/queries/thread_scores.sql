-- Scores of some threads, those that a new trace superseded included.
-- $thread_ids: the threads; ids of other projects are told apart by the caller.
select * from x_score_records
where trace_id is null and thread_id in (select unnest($thread_ids::varchar[]))
