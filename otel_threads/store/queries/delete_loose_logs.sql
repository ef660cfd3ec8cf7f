-- Log records that came before a time and whose trace is not here.
delete from log_records
where received_at < $before and ($project is null or project = $project)
    and not list_contains($others::varchar[], project)
    and (trace_id is null or trace_id not in (select trace_id from traces where trace_id is not null))
