-- Delete what belongs to the stored versions of some spans.
-- replaced_ids: (project, trace_id, span_id). $first, $last: bounds of their start times.
delete from x_content_chunks
where start_time between make_timestamptz($first // 1000) and make_timestamptz($last // 1000)
    and (project, trace_id, span_id) in (select (project, trace_id, span_id) from replaced_ids)
