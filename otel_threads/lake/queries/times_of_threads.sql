-- From when to when some threads were active: as times_of_traces.sql. lake_threads: (project, id).
select
    min(epoch_ns(first_activity_time)) - 1000,
    least(max(epoch_ns(last_activity_time))::hugeint + 1000, 9223372036854775807)::bigint
from x_thread_facts where (project, thread_id) in (select (project, id) from lake_threads)
