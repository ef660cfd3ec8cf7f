-- The oldest traces that ended before a time, in one project or in all but some, oldest first.
-- others: projects that are left alone (a retention of their own).
select
    project, trace_id, start_time_unix_nano, end_time_unix_nano, first_sequence, last_sequence, is_copy, span_count
from traces
where end_time < $before and ($project is null or project = $project)
    and not list_contains($others::varchar[], project)
order by end_time, trace_id
limit $most
