-- What became of threads. given: the columns of rule_decisions that change, by rule and thread.
-- A state that a new trace has begun meanwhile stays as it is.
update rule_decisions d
set state = g.state, reason = g.reason, scores = g.scores, cost_usd = g.cost_usd,
    trace_sequence = g.trace_sequence,
    judge_version = g.judge_version, attempt_count = g.attempt_count, retry_at = g.retry_at,
    is_matched = coalesce(g.is_matched, d.is_matched), decided_at = now()
from given g
where d.rule_id = g.rule_id and d.project = g.project and d.thread_id = g.thread_id
    and d.trace_sequence <= g.trace_sequence
