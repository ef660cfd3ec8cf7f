-- Long attribute values, in chunks, of some spans, and of every span of their traces those of some
-- names. whole: (trace_id, span_id). $names: as json_list. $first, $last: bound the start of the spans.
select c.project, c.trace_id, c.span_id, c.event_index, c.key, c.value, c.chunk_index,
    c.chain_id, c.chain_row, c.chain_chars
from x_content_chunks c
where c.start_time >= make_timestamptz($first // 1000)
    and c.start_time <= make_timestamptz($last // 1000)
    and c.trace_id in (select trace_id from whole)
    and (c.key in (select unnest(from_json($names, '["varchar"]')))
        or exists (select 1 from whole w where w.trace_id = c.trace_id and w.span_id = c.span_id))
