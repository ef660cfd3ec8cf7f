-- Scores by what they are about; null leaves a condition out. A thread's are its own and those of
-- its traces and spans.
select s.* from scores s
where ($project is null or s.project = $project or s.trace_id is not null)
    and ($thread_id is null or s.thread_id = $thread_id or s.trace_id in (
        select trace_id from x_trace_slices
        where thread_id = $thread_id and ($project is null or project = $project)))
    and ($trace_id is null or s.trace_id = $trace_id)
    and ($span_id is null or s.span_id = $span_id)
    and ($name is null or s.name = $name)
    and ($author is null or s.author = $author)
    and ($source is null or s.source = $source)
    and ($include_superseded or s.superseded_at is null)
order by s.updated_at desc, s.name, s.thread_id, s.trace_id, s.span_id, s.turn_index, s.author
limit $limit offset $offset
