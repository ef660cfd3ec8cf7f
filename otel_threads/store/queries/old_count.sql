-- How many traces ended before a time, in one project or in all but some, as in old_traces.
select count(*) from traces
where end_time < $before and ($project is null or project = $project)
    and not list_contains($others::varchar[], project)
