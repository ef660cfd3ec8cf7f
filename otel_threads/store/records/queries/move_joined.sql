-- Note where spans are that were moved before and are moved again.
-- moves: (project, trace_id, span_id, to_project, to_trace_id, to_span_id).
update x_joined_spans
set project = m.to_project, trace_id = m.to_trace_id, span_id = m.to_span_id
from moves m
where x_joined_spans.trace_id = m.trace_id and x_joined_spans.span_id = m.span_id
    and x_joined_spans.project = m.project
