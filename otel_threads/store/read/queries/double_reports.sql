-- Model requests that two instrumentations reported, by the pair, in the latest traces.
select
    reported_by, count(*) as call_count, count(distinct trace_id) as trace_count,
    (list(distinct trace_id))[:3] as examples
from (
    select * from calls
    where start_time_unix_nano >= (
        select min(start_time_unix_nano) from spans
        where rowid >= (select max(rowid) from spans) - $spans_max
    ) and len(reported_by) > 1
)
group by reported_by
order by call_count desc, reported_by
limit 20
