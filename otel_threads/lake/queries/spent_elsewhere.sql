-- What runs of rules cost on other nodes and in the lake since a time, in the shape of
-- rules_spent.sql. $node: this node's name in the lake. $since: when the day began.
select
    r.rule_id, r.backfill_id, coalesce(sum(r.cost_usd), 0.0) as cost_usd,
    coalesce(sum(r.cost_usd), 0.0) as cost_usd_today,
    avg(r.cost_usd) filter (r.cost_usd > 0) as run_usd,
    max(r.output_tokens) as output_tokens_max
from lake.stored.rule_runs r
where r.lake_node <> $node and r.finished_at >= $since
group by r.rule_id, r.backfill_id
