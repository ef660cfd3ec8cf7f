-- Long attribute values of some spans, in chunks. chosen: (trace_id, span_id).
-- $first, $last: bound the start of the spans. $keys: the attributes, as json_list; null for all.
select
    c.project, c.trace_id, c.span_id, c.event_index, c.key, c.value, c.chunk_index,
    c.chain_id, c.chain_row, c.chain_chars
from x_content_chunks c semi join chosen w on c.trace_id = w.trace_id and c.span_id = w.span_id
where c.event_index is null
    and c.start_time >= make_timestamptz($first // 1000) and c.start_time <= make_timestamptz($last // 1000)
    and ($keys is null or c.key in (select unnest(from_json($keys, '["varchar"]'))))
