-- Where spans of some traces are that were moved out of them. $trace_ids: as json_list.
select sent_trace_id, sent_span_id, trace_id, span_id
from x_joined_spans
where sent_trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
