-- What each model was asked for, by the hour or day. `chosen` (the calls) is put before this.
select
    date_trunc($interval, start_time) as time,
    coalesce(response_model, request_model, 'unknown') as model,
    count(*) as call_count,
    sum(input_tokens)::bigint as input_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(cost_usd) as cost_usd
from chosen
where start_time is not null
group by time, model
order by time desc, call_count desc, model
limit 20000
