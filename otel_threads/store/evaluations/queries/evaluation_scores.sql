-- Scores of some runs by name. $evaluation_ids: the runs, as json_list.
select
    evaluation_id, name, count(*) as count, round(avg(value), 12) as mean, min(value) as min,
    max(value) as max,
    coalesce(list_aggregate(list(category) filter (category is not null), 'histogram'), map {}) as categories
from evaluation_results
where name is not null and evaluation_id in (select unnest(from_json($evaluation_ids, '["varchar"]')))
group by evaluation_id, name
order by evaluation_id, name
