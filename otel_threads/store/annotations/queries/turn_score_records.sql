-- Current scores on turns, traces and spans of some threads: the rows of x_turn_score_records, but
-- found from the threads on, so that the time does not grow with the scores of others.
-- $thread_ids: the threads, as json_list; ids of other projects are told apart by the caller.
with wanted as materialized (
    select project, trace_id, thread_id from x_trace_slices
    where thread_id in (select unnest(from_json($thread_ids, '["varchar"]')))
),
named as (select * from x_evaluations where response_id is not null),
answered as (
    select project, response_id, min(trace_id) as trace_id, arg_min(span_id, trace_id) as span_id
    from calls where response_id in (select response_id from named)
    group by project, response_id
),
r as materialized (
    select trace_id, span_id, name, value, category, reason, author, updated_at
    from x_score_records where trace_id in (select trace_id from wanted)
    union all
    select trace_id, span_id, name, value, category, reason, author, created_at
    from x_evaluations where response_id is null and trace_id in (select trace_id from wanted)
    union all
    select coalesce(c.trace_id, e.trace_id), coalesce(c.span_id, e.span_id), e.name, e.value,
        e.category, e.reason, e.author, e.created_at
    from named e left join answered c on c.response_id = e.response_id and c.project = e.project
    where coalesce(c.trace_id, e.trace_id) in (select trace_id from wanted)
),
shared as (
    select trace_id from x_trace_slices
    where thread_id is not null
        and trace_id in (select trace_id from r where span_id is not null)
    group by project, trace_id having count(*) > 1
),
owners as (
    select distinct trace_id, span_id, thread_id from (
        select trace_id, span_id, thread_id from turns where trace_id in (select trace_id from shared)
        union all
        select trace_id, span_id, thread_id from calls where trace_id in (select trace_id from shared)
    ) where thread_id is not null
)
select
    t.project, t.thread_id, r.trace_id, r.span_id, null::bigint as turn_index, r.name, r.value,
    r.category, r.reason, r.author, r.updated_at
from r
join wanted t on t.trace_id = r.trace_id
left join owners o on o.trace_id = r.trace_id and o.span_id = r.span_id
where o.thread_id is null or o.thread_id = t.thread_id
union all
select
    project, thread_id, null, null, turn_index, name, value, category, reason, author, updated_at
from x_score_records
where turn_index is not null and thread_id in (select unnest(from_json($thread_ids, '["varchar"]')))
