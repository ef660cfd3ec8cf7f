-- First and last message of touched threads as they were, for what does not change; how many turns they
-- have, and when they began and ended.
-- affected: (project, thread_id, first).
select
    f.project, f.thread_id, f.first_message, f.last_message, f.turn_count,
    epoch_us(f.first_activity_time) * 1000 as began,
    -- The end of its microsecond, which the last one that fits in 64 bits does not reach.
    least(epoch_us(f.last_activity_time)::hugeint * 1000 + 999, 9223372036854775807)::bigint as ended
from x_thread_facts f
semi join affected a on f.thread_id = a.thread_id and f.project = a.project
