-- Rules by project and name, each with its threads by state and what its runs cost.
-- $project, $rule_id, $name: null for all. $today: when the day began.
select
    r.*,
    coalesce((
        select json_group_object(c.state, c.thread_count)::varchar from (
            select d.state, count(*) as thread_count from rule_decisions d
            where d.rule_id = r.rule_id group by d.state
        ) c
    ), '{}') as counts,
    coalesce((select sum(u.cost_usd) from rule_runs u where u.rule_id = r.rule_id), 0.0) as cost_usd,
    coalesce((
        select sum(u.cost_usd) from rule_runs u
        where u.rule_id = r.rule_id and u.finished_at >= $today and u.backfill_id is null
    ), 0.0) as cost_usd_today
from rules r
where ($project is null or r.project = $project) and ($rule_id is null or r.rule_id = $rule_id)
    and ($name is null or r.name = $name)
order by r.project, r.name
