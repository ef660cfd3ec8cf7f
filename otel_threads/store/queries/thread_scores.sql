-- Current scores of some threads.
-- $projects, $thread_ids, $firsts, $lasts: the threads with their first_sequence and
-- last_trace_sequence, side by side.
select r.* exclude (sequence), null::timestamptz as superseded_at
from score_records r
join (
    select unnest($projects::varchar[]) as project, unnest($thread_ids::varchar[]) as thread_id,
        unnest($firsts::bigint[]) as first_sequence,
        unnest($lasts::bigint[]) as last_trace_sequence
) i on i.thread_id = r.thread_id and i.project = r.project
where r.trace_id is null
    and (greatest(r.sequence, i.first_sequence) >= i.last_trace_sequence
        or not (select coalesce(bool_or(value = 'supersede'), true) from settings
            where name = 'scores_on_new_trace'))
