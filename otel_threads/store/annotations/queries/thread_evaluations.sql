-- Scores that came as events without a span, on some threads.
-- $thread_ids: as json_list.
select
    project, thread_id, null::varchar as trace_id, null::varchar as span_id, name, value, category,
    reason, 'otel' as source, author, created_at, created_at as updated_at,
    null::timestamptz as superseded_at
from x_evaluations
where thread_id in (select unnest(from_json($thread_ids, '["varchar"]')))
