-- All spans of one trace as they came, in the order of arrival. $first, $last: bound their start.
-- $project: of which copy, where the trace was sent to several projects; null for all.
select * from spans
where trace_id = $trace_id and ($project is null or project = $project) and start_time_unix_nano >= $first
    and start_time_unix_nano <= $last
order by ingest_seq, start_time_unix_nano, span_id
