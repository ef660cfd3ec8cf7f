-- Threads whose ids resemble one, the most alike first: the same id elsewhere, other letters' case.
select project, thread_id
from x_thread_facts
where thread_id = $thread_id
    or (length(thread_id) between $length_min and $length_max
        and jaro_winkler_similarity(lower(thread_id), lower($thread_id)) > 0.9)
order by thread_id = $thread_id desc,
    jaro_winkler_similarity(lower(thread_id), lower($thread_id)) desc, project, thread_id
limit 3
