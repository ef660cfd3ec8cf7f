-- Give spans the project and the ids of where they belong.
-- moves: (project, trace_id, span_id, to_project, to_trace_id, to_span_id, to_parent_span_id).
-- $first, $last: bounds of their starts.
update spans
set project = m.to_project, trace_id = m.to_trace_id, span_id = m.to_span_id,
    parent_span_id = m.to_parent_span_id
from moves m
where spans.start_time_unix_nano between $first and $last and spans.record_id is null
    and spans.project = m.project and spans.trace_id = m.trace_id and spans.span_id = m.span_id
