-- Scores by name, over the mean of each item. `chosen` (the scores) is put before this.
select
    name, count(*) as count, round(avg(value), 12) as avg, min(value) as min, max(value) as max,
    coalesce(list_aggregate(flatten(list(categories)), 'histogram'), map {}) as categories
from (
    select
        name, round(avg(value), 12) as value,
        coalesce(list(category) filter (category is not null), []) as categories
    from chosen
    group by name, project, thread_id, trace_id, span_id, turn_index
)
group by name
order by name
limit 1000
