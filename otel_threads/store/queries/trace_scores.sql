-- Scores of some traces and of their spans.
select * from scores where trace_id in (select unnest($trace_ids::varchar[]))
