-- One trace; no row when it is not here (or not derived yet). One that was sent to several
-- projects has a row in each. No ORDER BY: sorting rows this wide costs more than finding them.
-- $first, $last: bound its start. Looked up before (trace_start.sql): to find one number among a million
-- costs 1 ms, and 12 where fifty other columns have to keep in step. In one statement a join costs 2 more.
select * from traces
where trace_key = $trace_key and trace_id = $trace_id
    and start_time_unix_nano >= $first and start_time_unix_nano <= $last
