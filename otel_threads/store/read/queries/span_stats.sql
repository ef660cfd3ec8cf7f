-- Spans of a selection together. `chosen` (the spans) is put before this.
select
    count(*) as span_count, count(*) filter (status_code = 'error') as error_count,
    quantile_cont(duration_ms, [0.5, 0.9, 0.99]) as duration_ms,
    avg(cost_usd) as cost_usd_avg, sum(cost_usd) as cost_usd_sum,
    avg(time_to_first_token_ms) as time_to_first_token_ms_avg,
    avg(input_tokens) as input_tokens_avg, sum(input_tokens)::bigint as input_tokens_sum,
    avg(output_tokens) as output_tokens_avg, sum(output_tokens)::bigint as output_tokens_sum,
    avg(total_tokens) as total_tokens_avg, sum(total_tokens)::bigint as total_tokens_sum
from chosen
