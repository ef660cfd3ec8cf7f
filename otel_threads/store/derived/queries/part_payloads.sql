-- The content of some parts, in chunks and in no order. $first, $last: bounds of their starts, for zone maps.
-- needed: (project, trace_id).
select p.project, p.trace_id, p.part_index, p.chunk_index, p.payload
from x_part_payloads p
semi join needed n on p.trace_id = n.trace_id and p.project = n.project
where p.start_time_unix_nano between $first and $last
union all
-- As it was stored before there were chunks.
select p.project, p.trace_id, p.part_index, 0 as chunk_index, p.payload
from x_turn_parts p
semi join needed n on p.trace_id = n.trace_id and p.project = n.project
where p.start_time_unix_nano between $first and $last and p.payload is not null
