-- What each model was asked for. `chosen` (the calls) is put before this.
select
    coalesce(response_model, request_model, 'unknown') as model,
    count(*) as call_count,
    sum(input_tokens)::bigint as input_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(cost_usd) as cost_usd
from chosen
group by model
order by call_count desc, model
limit 200
