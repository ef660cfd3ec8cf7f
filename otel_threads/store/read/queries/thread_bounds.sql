-- When a thread was active, in nanoseconds, for zone maps: one row, none when it is not here.
select
    epoch_us(first_activity_time) * 1000 as first,
    least(epoch_us(last_activity_time)::hugeint * 1000 + 999, 9223372036854775807)::bigint as last
from x_thread_facts
where project = $project and thread_id = $thread_id
limit 1
