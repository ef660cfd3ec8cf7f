-- Threads whose filter has to be looked at, at first sight, by rule.
-- $limit: how many at most.
select d.rule_id, d.project, d.thread_id
from rule_decisions d
join rules r on r.rule_id = d.rule_id and r.is_enabled
where d.state = 'waiting' and d.is_matched is null and r.filter_time = 'first_sight'
    and d.backfill_id is null
order by d.rule_id, d.project, d.thread_id
limit $limit
