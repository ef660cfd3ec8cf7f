-- Log records that stand alone: some tell what spans of the same conversation tell, too; some score it.

create table x_record_traces (
    project varchar,
    thread_id varchar,
    trace_id varchar,
    record_rank integer,
    start_time_unix_nano bigint,
    end_time_unix_nano bigint
);
comment on table x_record_traces is 'Internal: traces made of log records that stand alone: they are derived again when spans of their time and thread change.';

alter table x_evaluations add column thread_id varchar;

create or replace view scores as
with s as (select bool_or(value = 'supersede') as supersede from x_settings where name = 'scores_on_new_trace')
select
    r.project, r.thread_id, r.trace_id, r.span_id, r.turn_index, r.name, r.value, r.category,
    r.reason, r.source, r.author, r.metadata, r.created_at, r.updated_at,
    case when (select supersede from s) and r.trace_id is null and r.turn_index is null
            and f.last_trace_sequence > greatest(r.sequence, f.first_sequence)
        then f.last_trace_at end as superseded_at
from x_score_records r
left join x_thread_facts f on f.thread_id = r.thread_id and f.project = r.project
union all by name
select
    e.project, e.thread_id,
    case when e.thread_id is null then coalesce(c.trace_id, e.trace_id) end as trace_id,
    case when e.thread_id is null then coalesce(c.span_id, e.span_id) end as span_id, e.name, e.value, e.category, e.reason,
    'otel' as source, e.author, e.created_at, e.created_at as updated_at,
    null::timestamptz as superseded_at
from x_evaluations e
left join (
    select project, response_id, min(trace_id) as trace_id, arg_min(span_id, trace_id) as span_id
    from calls
    where response_id in (select response_id from x_evaluations where response_id is not null)
    group by project, response_id
) c on c.response_id = e.response_id and c.project = e.project;
comment on view scores is 'Named numbers and categories on threads, turns, traces and spans.';
comment on column scores.project is 'Project.';
comment on column scores.thread_id is 'Thread that is scored; null when a trace or span is.';
comment on column scores.trace_id is 'Trace that is scored; null when a thread is.';
comment on column scores.span_id is 'Span that is scored; null when a whole trace or thread is.';
comment on column scores.turn_index is 'Turn of the thread that is scored, where it was not here yet; a turn that is here is scored at its span.';
comment on column scores.name is 'Name of the score.';
comment on column scores.value is 'Number; null when there is only a category.';
comment on column scores.category is 'Category; null when there is only a number.';
comment on column scores.reason is 'Why, as given.';
comment on column scores.source is 'ui, sdk, api, online, or otel for evaluation events.';
comment on column scores.author is 'Who or what scored, as given.';
comment on column scores.created_at is 'When it was first given.';
comment on column scores.updated_at is 'When it was last given.';
comment on column scores.superseded_at is 'When a new trace made it history; null while it counts.';
comment on column scores.metadata is 'What the author added: the judge_version of a rule; null for nothing.';

create or replace view x_turn_score_records as
with r as (
    select trace_id, span_id, name, value, category, reason, author, updated_at
    from x_score_records where trace_id is not null
    union all
    select trace_id, span_id, name, value, category, reason, author, created_at
    from x_evaluations where response_id is null and thread_id is null
    union all
    select coalesce(c.trace_id, e.trace_id), coalesce(c.span_id, e.span_id), e.name, e.value,
        e.category, e.reason, e.author, e.created_at
    from x_evaluations e
    left join (
        select project, response_id, min(trace_id) as trace_id, arg_min(span_id, trace_id) as span_id
        from calls
        where response_id in (select response_id from x_evaluations where response_id is not null)
        group by project, response_id
    ) c on c.response_id = e.response_id and c.project = e.project
    where e.response_id is not null
),
slices as (
    select project, trace_id, thread_id from x_trace_slices
    where thread_id is not null and trace_id in (select trace_id from r)
),
shared as (select trace_id from slices group by project, trace_id having count(*) > 1),
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
join slices t on t.trace_id = r.trace_id
left join owners o on o.trace_id = r.trace_id and o.span_id = r.span_id
where o.thread_id is null or o.thread_id = t.thread_id
union all
select
    project, thread_id, null, null, turn_index, name, value, category, reason, author, updated_at
from x_score_records where turn_index is not null;
comment on view x_turn_score_records is 'Internal: current scores on turns, traces and spans, by the thread. Read turn_scores instead.';
