-- Long attribute values, in chunks, of one trace. $first, $last: bound the start of its spans.
select project, trace_id, span_id, event_index, key, value, chunk_index, chain_id, chain_row, chain_chars
from x_content_chunks
where trace_id = $trace_id and start_time >= make_timestamptz($first // 1000)
    and start_time <= make_timestamptz($last // 1000) and span_id <> ''
