-- Model requests of one trace, each on its outermost span. $first, $last: bound their start.
select
    project, span_id, coalesce(response_model, request_model) as model, cost_usd, time_to_first_token_ms,
    input_tokens, output_tokens, total_tokens, cache_read_tokens, cache_write_tokens,
    reasoning_tokens, input_audio_tokens, output_audio_tokens
from calls
where trace_id = $trace_id
    and start_time_unix_nano >= $first and start_time_unix_nano <= $last
