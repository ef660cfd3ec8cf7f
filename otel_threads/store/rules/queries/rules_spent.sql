-- What runs cost, by rule and backfill: of backfills ever, else since the day began.
-- $today: when the day began.
select
    rule_id, backfill_id, coalesce(sum(cost_usd), 0.0) as cost_usd,
    coalesce(sum(cost_usd) filter (finished_at >= $today), 0.0) as cost_usd_today,
    avg(cost_usd) filter (finished_at >= $today and cost_usd > 0) as run_usd,
    max(output_tokens) filter (finished_at >= $today) as output_tokens_max
from rule_runs
where backfill_id is not null or finished_at >= $today
group by rule_id, backfill_id
