-- How often each thread of a queue was reviewed and is locked, and whether by one reviewer.
-- $reviewer: null for nobody; $now: locks of before are over.
select
    thread_id, count(*) filter (is_done) as done, count(*) filter (not is_done) as locked,
    coalesce(bool_or(is_done and reviewer = $reviewer), false) as done_by_me,
    coalesce(bool_or(not is_done and reviewer = $reviewer), false) as locked_by_me
from (
    select thread_id, reviewer, true as is_done from reviews where queue_id = $queue_id
    union all
    select thread_id, reviewer, false from x_review_locks
    where queue_id = $queue_id and locked_until > $now
)
group by thread_id
