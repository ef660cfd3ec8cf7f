-- Where spans of some traces were moved before. sent: (trace_id).
select j.sent_trace_id, j.sent_span_id, j.trace_id, j.span_id, j.start_time_unix_nano
from x_joined_spans j semi join sent t on j.sent_trace_id = t.trace_id
