-- Scores that came as events with some traces, apart from those that name a response of another.
-- $trace_ids: the traces, as json_list.
select
    project, null::varchar as thread_id, trace_id, span_id, name, value, category, reason,
    'otel' as source, author, created_at, created_at as updated_at,
    null::timestamptz as superseded_at
from x_evaluations
where response_id is null and thread_id is null
    and trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
