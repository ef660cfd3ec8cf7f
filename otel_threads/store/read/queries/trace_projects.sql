-- Which projects have some traces: a row for each of both. $trace_keys: the first 60 bits of their ids as
-- numbers; $trace_ids: the ids; both as json_list.
select trace_id as id, project from traces
where trace_key in (select unnest(from_json($trace_keys, '["bigint"]')))
    and trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
