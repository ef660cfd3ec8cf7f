-- Queues threads for a backfill, whatever the sample and the filter's time said of them before.
-- given: project and thread_id. $rule_id, $backfill_id: of which; $judge_version: those that this
-- judge has scored in their state of now are left out.
merge into rule_decisions d
using (
    select g.project, g.thread_id, t.last_trace_sequence
    from given g join x_thread_facts t on t.project = g.project and t.thread_id = g.thread_id
) g
on d.rule_id = $rule_id and d.project = g.project and d.thread_id = g.thread_id
when matched and not (
    d.state = 'scored' and d.judge_version = $judge_version
    and d.trace_sequence = g.last_trace_sequence
) and not (d.state = 'waiting' and d.backfill_id is not null) then update set
    state = 'waiting', reason = 'queued by a backfill', trace_sequence = g.last_trace_sequence,
    attempt_count = 0, backfill_id = $backfill_id, queued_at = now(), retry_at = null,
    decided_at = now()
when not matched then insert (
    rule_id, project, thread_id, state, reason, is_sampled, trace_sequence, attempt_count,
    backfill_id, queued_at, decided_at
) values (
    $rule_id, g.project, g.thread_id, 'waiting', 'queued by a backfill', true,
    g.last_trace_sequence, 0, $backfill_id, now(), now()
)
