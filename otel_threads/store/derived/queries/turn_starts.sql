-- When the first turns after a change begin, the earliest first: the number that they have now, whether
-- they failed, and whether all parts that start then begin a turn anew. Reads no content.
-- changed: (project, thread_id, upto), when what changed ended. $starts_max: as many of each thread.
-- $lowest, $highest: when the first of these threads began and the last ended, for zone maps.
with starts as (
    select p.project, p.thread_id, p.start_time_unix_nano as start,
        bool_and(not p.continues) as begins_anew
    from x_turn_parts p
    join changed c on p.thread_id = c.thread_id and p.project = c.project
    where p.start_time_unix_nano > c.upto
        and p.start_time_unix_nano between $lowest and $highest
    group by p.project, p.thread_id, p.start_time_unix_nano
),
known as (
    select t.project, t.thread_id, t.start_time_unix_nano as start,
        min(t.turn_index) as turn_index, bool_or(t.has_error) as has_error
    from turns t
    join changed c on t.thread_id = c.thread_id and t.project = c.project
    where t.start_time_unix_nano > c.upto
        and t.start_time_unix_nano between $lowest and $highest
    group by t.project, t.thread_id, t.start_time_unix_nano
    qualify row_number() over (
        partition by t.project, t.thread_id order by t.start_time_unix_nano) <= $starts_max
)
select k.project, k.thread_id, k.start, k.turn_index, k.has_error,
    coalesce(s.begins_anew, false) as begins_anew
from known k
left join starts s on s.thread_id = k.thread_id and s.project = k.project and s.start = k.start
order by k.project, k.thread_id, k.start
