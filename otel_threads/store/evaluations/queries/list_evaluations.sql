-- Runs with their counts, the latest first; null leaves a condition out.
with chosen as (
    select * from evaluations
    where ($project is null or project = $project)
        and ($evaluation_id is null or evaluation_id = $evaluation_id)
        and ($name is null or name = $name)
    order by started_at desc, evaluation_id
    limit $limit offset $offset
)
select
    c.*, count(distinct r.item_id) filter (r.error is null) as scored,
    count(distinct r.item_id) filter (r.error is not null) as failed, sum(r.cost_usd) as cost_usd
from chosen c left join evaluation_results r on r.evaluation_id = c.evaluation_id
group by all
order by c.started_at desc, c.evaluation_id
