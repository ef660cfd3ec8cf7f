-- The rows of some traces, in every project that has them. $trace_keys: their first 60 bits;
-- $trace_ids: the traces; both as json_list.
select * from traces
where trace_key in (select unnest(from_json($trace_keys, '["bigint"]')))
    and trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
