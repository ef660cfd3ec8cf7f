-- Events of the spans of some traces, in the order in which their span holds them.
-- work_ids: (trace_id). $first: no span of them starts earlier.
select project, trace_id, span_id, event_index, name, time_unix_nano, attributes, attribute_types
from span_events s semi join work_ids w on s.trace_id = w.trace_id
where start_time >= make_timestamptz($first // 1000)
order by project, trace_id, span_id, event_index
