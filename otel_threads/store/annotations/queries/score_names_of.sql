-- Names of current scores of threads, of traces or of spans, by name. $target: thread, trace, span.
-- $project null takes all. A trace's score may have been given with any project's name.
select distinct name from scores
where superseded_at is null
    and case $target
        when 'thread' then thread_id is not null and turn_index is null
            and ($project is null or project = $project)
        else trace_id is not null and (span_id is not null) = ($target = 'span')
            and ($project is null
                or trace_id in (select trace_id from traces where project = $project))
    end
order by name
limit 1000
