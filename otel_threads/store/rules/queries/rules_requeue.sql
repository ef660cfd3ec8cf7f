-- A new trace came to threads that a rule had decided about: the state of before counts no more.
-- $sighted: the commit up to which rules have looked.
update rule_decisions d
set state = 'waiting', reason = null, trace_sequence = t.last_trace_sequence, attempt_count = 0,
    scores = null, cost_usd = null, judge_version = null, backfill_id = null,
    is_matched = case when r.filter_time = 'first_sight' then d.is_matched end,
    queued_at = now(), retry_at = null, decided_at = now()
from x_thread_facts t, rules r
where t.project = d.project and t.thread_id = d.thread_id and t.last_sequence > $sighted
    and t.last_trace_sequence > d.trace_sequence
    and r.rule_id = d.rule_id and r.is_enabled
    and d.is_sampled and (r.filter_time = 'inactive' or d.is_matched is distinct from false)
