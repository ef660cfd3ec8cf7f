-- Threads that wait for a rule and are inactive, those that wait longest first, some of each rule.
-- $rule_ids: rules that can run, as json_list. $per_rule: how many of each.
select
    d.rule_id, d.project, d.thread_id, t.last_trace_sequence as trace_sequence, d.attempt_count,
    d.backfill_id, d.is_matched
from rule_decisions d
join rules r on r.rule_id = d.rule_id and (r.is_enabled or d.backfill_id is not null)
    and r.rule_id in (select unnest(from_json($rule_ids, '["varchar"]')))
join x_annotated_threads t on t.project = d.project and t.thread_id = d.thread_id
where d.state = 'waiting' and (d.retry_at is null or d.retry_at <= now()) and t.status = 'inactive'
    and (r.filter_time = 'inactive' or d.is_matched or d.backfill_id is not null)
qualify row_number() over (partition by d.rule_id order by d.queued_at, d.project, d.thread_id) <= $per_rule
order by d.queued_at, d.project, d.thread_id
