-- The threads of a selection: all conditions are optional, null leaves one out. store/reader.py
-- counts them, or sorts them and cuts a page.
select *
from threads
where ($project is null or project = $project)
    and ($thread_id is null or thread_id = $thread_id)
    and ($status is null or status = $status)
    and ($from is null or last_activity_time >= $from)
    and ($to is null or first_activity_time < $to)
    and ($search is null
        or contains(lower(thread_id), $search)
        or contains(lower(first_message), $search)
        or contains(lower(last_message), $search))
