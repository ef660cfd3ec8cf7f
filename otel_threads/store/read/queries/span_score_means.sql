-- The mean of each score over the spans of a selection. `chosen` (the spans) is put before this.
select name, round(avg(value), 12) as value
from (
    select s.name, s.trace_id, s.span_id, avg(s.value) as value
    from scores s
    where s.superseded_at is null and (s.trace_id, s.span_id) in (select (trace_id, span_id) from chosen)
    group by all
)
where value is not null
group by name
order by name
limit 1000
