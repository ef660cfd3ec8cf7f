-- Decisions of a rule, the latest first.
-- $state, $thread_id: null for all.
select project, thread_id, state, reason, scores, cost_usd, judge_version, decided_at, attempt_count
from rule_decisions
where rule_id = $rule_id and ($state is null or state = $state)
    and ($thread_id is null or thread_id = $thread_id)
order by decided_at desc, project, thread_id
limit $limit offset $offset
