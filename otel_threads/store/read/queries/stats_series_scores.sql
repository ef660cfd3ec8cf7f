-- Scores by name and by the hour or day in which their items began, over the mean of each item.
-- `selected` and `chosen` (the scores, with `began` of their item) are put before this.
select
    date_trunc($interval, began) as time,
    name, count(*) as count, round(avg(value), 12) as avg, min(value) as min, max(value) as max,
    coalesce(list_aggregate(flatten(list(categories)), 'histogram'), map {}) as categories
from (
    select
        name, any_value(began) as began, round(avg(value), 12) as value,
        coalesce(list(category) filter (category is not null), []) as categories
    from chosen
    group by name, project, thread_id, trace_id
)
group by time, name
order by time desc, name
limit 20000
