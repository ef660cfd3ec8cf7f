-- Names of scores with what they are given to.
select
    name, count(*) as score_count, count(value) as value_count, count(category) as category_count,
    list_sort(list(distinct category) filter (category is not null))[:100] as categories,
    list_sort(list(distinct source)) as sources
from scores
where ($project is null or project = $project) and superseded_at is null
group by name
order by name
limit 1000
