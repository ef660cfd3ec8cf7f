-- Evaluations that named a response of another trace, for some traces; and those of such traces
-- whose response has not arrived.
-- $trace_ids: the traces, as json_list.
with named as (select * from x_evaluations where response_id is not null),
answered as (
    select project, response_id, min(trace_id) as trace_id, arg_min(span_id, trace_id) as span_id
    from calls where response_id in (select response_id from named)
    group by project, response_id
)
select
    e.project, null::varchar as thread_id, coalesce(c.trace_id, e.trace_id) as trace_id,
    coalesce(c.span_id, e.span_id) as span_id, e.name, e.value, e.category, e.reason,
    'otel' as source, e.author, e.created_at, e.created_at as updated_at,
    null::timestamptz as superseded_at
from named e
left join answered c on c.response_id = e.response_id and c.project = e.project
where coalesce(c.trace_id, e.trace_id) in (select unnest(from_json($trace_ids, '["varchar"]')))
