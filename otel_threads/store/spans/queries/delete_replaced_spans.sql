-- Delete the stored versions of some spans, of which the batch has more complete ones.
-- replaced_ids: (project, trace_id, span_id). $first, $last: bounds of their start times.
delete from spans
where start_time_unix_nano between $first and $last and record_id is null
    and (project, trace_id, span_id) in (select (project, trace_id, span_id) from replaced_ids)
