-- Scores of some traces and of their spans, apart from those that name a response of another trace.
-- $trace_ids: the traces.
select * exclude (sequence), null::timestamptz as superseded_at
from score_records where trace_id in (select unnest($trace_ids::varchar[]))
union all by name
select
    project, null::varchar as thread_id, trace_id, span_id, name, value, category, reason,
    'otel' as source, author, created_at, created_at as updated_at,
    null::timestamptz as superseded_at
from evaluations
where response_id is null and trace_id in (select unnest($trace_ids::varchar[]))
