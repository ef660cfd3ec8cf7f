-- Turns, and percentiles over them, by the hour or day in which they began. `chosen` (the turns) is put before this.
select
    date_trunc($interval, start_time) as time,
    count(*) as turn_count,
    quantile_cont(duration_ms, [0.5, 0.9, 0.99]) as duration_ms,
    avg(duration_ms) as duration_ms_avg,
    max(duration_ms) as duration_ms_max,
    quantile_cont(time_to_first_token_ms, [0.5, 0.9, 0.99]) as ttft_ms,
    avg(time_to_first_token_ms) as ttft_ms_avg,
    max(time_to_first_token_ms) as ttft_ms_max
from chosen
where start_time is not null
group by time
order by time desc
limit 2000
