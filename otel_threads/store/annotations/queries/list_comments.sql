-- Comments, oldest first; null leaves a condition out. A trace's are its own and its spans'.
select * from comments
where ($project is null or project = $project)
    and ($thread_id is null or thread_id = $thread_id)
    and ($trace_id is null or trace_id = $trace_id)
    and ($span_id is null or span_id = $span_id)
order by created_at, id
limit $limit offset $offset
