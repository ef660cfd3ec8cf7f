-- Items by the hour or day in which they began. `selected` is put before this.
select
    date_trunc($interval, began) as time,
    count(*) as item_count,
    sum(turn_count)::bigint as turn_count,
    sum(error_count)::bigint as error_count,
    sum(total_tokens)::bigint as total_tokens,
    sum(input_tokens)::bigint as input_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(cost_usd) as cost_usd,
    avg(duration_ms) as duration_ms_avg
from selected
group by time
order by time desc
limit 2000
