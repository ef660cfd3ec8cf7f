-- As follow_moved_scores.sql, for comments.
update comments c set trace_id = j.trace_id, span_id = j.span_id
from x_joined_spans j
where c.trace_id = j.sent_trace_id and c.span_id = j.sent_span_id
