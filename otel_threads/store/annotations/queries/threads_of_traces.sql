-- The threads of some traces, each once; no row for a trace that is not here or has none.
-- $trace_keys: the first 60 bits of their ids as numbers; $trace_ids: the ids;
-- both as json_list.
select distinct project, unnest(thread_ids) as thread_id
from traces
where trace_key in (select unnest(from_json($trace_keys, '["bigint"]')))
    and trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
order by all
