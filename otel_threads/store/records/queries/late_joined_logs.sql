-- Log records that commits $after < n <= $upto brought of spans that were moved before, under the ids
-- that these were sent with.
select distinct l.trace_id, l.span_id, j.trace_id, j.span_id
from log_records l
join x_joined_spans j on l.trace_id = j.sent_trace_id and l.span_id = j.sent_span_id
where l.ingest_seq > $after and l.ingest_seq <= $upto
