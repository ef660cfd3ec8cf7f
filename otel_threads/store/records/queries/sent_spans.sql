-- Spans of OTLP of some traces, as far as joining needs them. sent: (trace_id). $first: none that is
-- needed starts earlier.
select
    s.project, s.trace_id, s.span_id, s.parent_span_id, s.start_time_unix_nano, s.end_time_unix_nano,
    cardinality(s.attributes)::bigint as attribute_count, s.attributes
from spans s semi join sent t on s.trace_id = t.trace_id
where s.start_time_unix_nano >= $first and s.record_id is null
order by s.ingest_seq, s.start_time_unix_nano, s.span_id
