-- Which places that spans are to be moved to are taken by other spans already, and how complete these
-- are; a folded record counts more than any. moves: (to_project, to_trace_id, to_span_id).
-- $first, $last: bounds of the starts.
select
    s.project, s.trace_id, s.span_id, s.end_time_unix_nano,
    cardinality(s.attributes)::bigint as attribute_count, s.record_id is not null as is_record
from spans s
where s.start_time_unix_nano between $first and $last
    and (s.project, s.trace_id, s.span_id) in
        (select (to_project, to_trace_id, to_span_id) from moves)
