-- From when on the turns of touched threads stay as they are, but for their number, and the number that
-- the first of these has now; threads without such turns are left out. Reads no content.
-- A part that continues nothing begins a turn, whatever is before it. The first such part after the
-- change ends what may be joined otherwise now; a turn that did not fail after that ends what later
-- turns may tell of what was asked in failed ones.
-- changed: (project, thread_id, upto), when what changed ended.
-- $lowest, $highest: when the first of these threads began and the last ended, for zone maps.
with starts as (
    select p.project, p.thread_id, p.start_time_unix_nano as start
    from turn_parts p
    join changed c on p.thread_id = c.thread_id and p.project = c.project
    where p.start_time_unix_nano > c.upto
        and p.start_time_unix_nano between $lowest and $highest
    group by p.project, p.thread_id, p.start_time_unix_nano
    having bool_and(not p.continues)
),
known as (
    select t.project, t.thread_id, t.start_time_unix_nano as start,
        min(t.turn_index) as turn_index, bool_or(t.has_error) as has_error
    from turns t
    join changed c on t.thread_id = c.thread_id and t.project = c.project
    where t.start_time_unix_nano > c.upto
        and t.start_time_unix_nano between $lowest and $highest
    group by t.project, t.thread_id, t.start_time_unix_nano
),
ordered as (
    select k.project, k.thread_id, k.start, k.turn_index, s.start is not null as begins,
        min(s.start) over (partition by k.project, k.thread_id) as joined_until,
        lag(k.start) over earlier as before,
        lag(k.has_error) over earlier as before_failed
    from known k
    left join starts s on s.thread_id = k.thread_id and s.project = k.project and s.start = k.start
    window earlier as (partition by k.project, k.thread_id order by k.start)
)
select project, thread_id, min(start) as start, min(turn_index) as turn_index
from ordered
where begins and before >= joined_until and not before_failed
group by project, thread_id
