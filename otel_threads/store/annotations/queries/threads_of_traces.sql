-- The threads of some traces, each once; no row for a trace that is not here or has none.
-- $trace_keys: the first 60 bits of their ids as numbers; $trace_ids: the ids.
select distinct project, unnest(thread_ids) as thread_id
from traces
where list_contains($trace_keys, trace_key) and list_contains($trace_ids, trace_id)
order by all
