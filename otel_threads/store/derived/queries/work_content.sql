-- Long attribute values, in chunks, of some traces.
-- work_ids: (trace_id). $first: no span of them starts earlier.
select project, trace_id, span_id, event_index, key, value, chunk_index, chain_id, chain_row, chain_chars
from x_content_chunks s semi join work_ids w on s.trace_id = w.trace_id
where start_time >= make_timestamptz($first // 1000) and span_id <> ''
