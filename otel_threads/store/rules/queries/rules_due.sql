-- Threads that wait for a rule and are inactive, those that wait longest first, some of each rule.
-- Of those that wait, the first are looked at: the longer one waits, the surer it is inactive.
-- $rule_ids: rules that can run, as json_list. $looked: how many of each are looked at.
-- $per_rule: how many of each are returned.
with c as materialized (
    select
        d.rule_id, d.project, d.thread_id, d.attempt_count, d.backfill_id, d.is_matched, d.queued_at
    from rule_decisions d
    join rules r on r.rule_id = d.rule_id and (r.is_enabled or d.backfill_id is not null)
        and r.rule_id in (select unnest(from_json($rule_ids, '["varchar"]')))
    where d.state = 'waiting' and (d.retry_at is null or d.retry_at <= now())
        and (r.filter_time = 'inactive' or d.is_matched or d.backfill_id is not null)
    qualify row_number() over (partition by d.rule_id order by d.queued_at, d.project, d.thread_id) <= $looked
)
select
    c.rule_id, c.project, c.thread_id, t.last_trace_sequence as trace_sequence, c.attempt_count,
    c.backfill_id, c.is_matched
from c
join x_annotated_threads t on t.project = c.project and t.thread_id = c.thread_id
where t.status = 'inactive' and t.thread_id in (select thread_id from c)
qualify row_number() over (partition by c.rule_id order by c.queued_at, c.project, c.thread_id) <= $per_rule
order by c.queued_at, c.project, c.thread_id
