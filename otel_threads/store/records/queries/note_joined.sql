-- Note which spans are moved, and where.
-- moves: (to_project, trace_id, span_id, to_trace_id, to_span_id, start_time_unix_nano).
insert into x_joined_spans by name
select distinct to_project as project, to_trace_id as trace_id, to_span_id as span_id,
    start_time_unix_nano, trace_id as sent_trace_id, span_id as sent_span_id
from moves m
where (trace_id, span_id) <> (to_trace_id, to_span_id)
    and (trace_id, span_id) not in (select (sent_trace_id, sent_span_id) from x_joined_spans)
