-- Let go of long values of the stored versions of some spans that later values may begin with: they
-- belong to the trace alone now. replaced_ids: (project, trace_id, span_id). $first, $last: bounds of
-- their start times.
update x_content_chunks set span_id = ''
where chain_id is not null
    and start_time between make_timestamptz($first // 1000) and make_timestamptz($last // 1000)
    and (project, trace_id, span_id) in (select (project, trace_id, span_id) from replaced_ids)
