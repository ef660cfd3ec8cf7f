-- Those of some traces that spans of OTLP were moved into. $trace_ids: as json_list.
select distinct trace_id
from x_joined_spans
where trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
