-- Current scores of some threads.
-- $projects, $thread_ids, $sequences: the threads and their last_trace_sequence, side by side.
select r.* exclude (sequence), null::timestamptz as superseded_at
from score_records r
join (
    select unnest($projects::varchar[]) as project, unnest($thread_ids::varchar[]) as thread_id,
        unnest($sequences::bigint[]) as last_trace_sequence
) i on i.thread_id = r.thread_id and i.project = r.project
where r.trace_id is null
    and (r.sequence >= i.last_trace_sequence
        or not (select coalesce(bool_or(value = 'supersede'), true) from settings
            where name = 'scores_on_new_trace'))
