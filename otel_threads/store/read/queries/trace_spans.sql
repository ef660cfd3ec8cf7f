-- All spans of one trace as they came, of every copy of it, in no order: sorting rows this wide is
-- the reader's, who has them all. $first, $last: bound their start.
select * from spans
where trace_id = $trace_id and start_time_unix_nano >= $first and start_time_unix_nano <= $last
