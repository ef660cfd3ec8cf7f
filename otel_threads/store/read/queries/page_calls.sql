-- Model requests of some traces, each on its outermost span, in the shape of trace_calls.sql.
-- wanted: (trace_id). $first, $last: bound their start.
select
    project, trace_id, span_id, coalesce(response_model, request_model) as model, provider, cost_usd,
    time_to_first_token_ms, input_tokens, output_tokens, total_tokens, cache_read_tokens,
    cache_write_tokens, reasoning_tokens, input_audio_tokens, output_audio_tokens
from calls
where trace_id in (select trace_id from wanted)
    and start_time_unix_nano >= $first and start_time_unix_nano <= $last
