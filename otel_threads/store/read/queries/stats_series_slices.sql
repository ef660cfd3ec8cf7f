-- What the traces of threads took, by the hour or day in which they began. `chosen` (what each trace
-- has of each thread) is put before this.
select
    date_trunc($interval, make_timestamptz(start_time_unix_nano // 1000)) as time,
    sum(error_count)::bigint as error_count,
    sum(total_tokens)::bigint as total_tokens,
    sum(input_tokens)::bigint as input_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(cost_usd) as cost_usd
from chosen
where start_time_unix_nano is not null
group by time
order by time desc
limit 2000
