-- One trace; no row when it is not here (or not derived yet).
select * from traces where trace_id = $trace_id
