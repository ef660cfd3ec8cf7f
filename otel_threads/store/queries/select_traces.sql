-- The traces of a selection, as select_threads.sql.
select *
from traces
where ($project is null or project = $project)
    and ($thread_id is null or list_contains(thread_ids, $thread_id))
    and ($without_thread is null or (len(thread_ids) = 0) = $without_thread)
    and ($from is null or end_time >= $from)
    and ($to is null or start_time < $to)
    and ($search is null
        or starts_with(trace_id, $search)
        or contains(lower(name), $search)
        or contains(lower(first_message), $search)
        or contains(lower(last_message), $search))
