-- What the status of threads hangs on besides their annotations, in the shape of
-- annotations_of_threads.sql.
select 'cooldown' as kind, project, null as id, null as tag, null::boolean as flag,
    null::timestamptz as time, thread_cooldown_s as number
from x_project_settings where thread_cooldown_s is not null
union all
select 'cooldown', null, null, null, null, null, value::double
from x_settings where name = 'thread_cooldown_s'
union all
select 'step', null, null, null, null, make_timestamptz((step_ms * 1000)::bigint), sequence
from x_clock_steps
