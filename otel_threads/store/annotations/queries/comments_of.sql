-- Comments on some threads, or on some traces and their spans, oldest first.
-- $thread_ids, $trace_ids: as json_list; threads of other projects are told apart by the caller.
select * from comments
where thread_id in (select unnest(from_json($thread_ids, '["varchar"]')))
    or trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
order by created_at, id
limit 20000
