-- Give scores of spans that were moved, named by the ids that these were sent under, to where they are.
update x_score_records r set trace_id = j.trace_id, span_id = j.span_id
from x_joined_spans j
where r.trace_id = j.sent_trace_id and r.span_id = j.sent_span_id
