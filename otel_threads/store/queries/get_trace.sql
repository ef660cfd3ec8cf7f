-- One trace; no row when it is not here (or not derived yet). One that was sent to several
-- projects has a row in each. No ORDER BY: sorting rows this wide costs more than finding them.
select * from traces
where trace_key = $trace_key and trace_id = $trace_id and ($project is null or project = $project)
