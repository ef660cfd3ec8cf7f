-- The spans of some traces with what their place and their sums need. $trace_ids: as json_list.
-- $first, $last: bound the start.
select
    s.project, s.trace_id, s.span_id, s.parent_span_id, s.start_time_unix_nano,
    s.record_id,
    c.span_id is not null as has_call, c.cost_usd, c.cost_source, c.response_model, c.request_model,
    c.provider,
    c.input_tokens, c.output_tokens, c.total_tokens, c.cache_read_tokens, c.cache_write_tokens,
    c.reasoning_tokens, c.input_audio_tokens, c.output_audio_tokens
from spans s
left join (
    select * from calls
    where trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
        and start_time_unix_nano >= $first and start_time_unix_nano <= $last
) c on c.trace_id = s.trace_id and c.span_id = s.span_id and c.project = s.project
where s.trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
    and s.start_time_unix_nano >= $first and s.start_time_unix_nano <= $last
