-- What people and programs say of threads and traces. Never derived from spans, so kept apart from
-- what a rebuild replaces. `sequence` is the last commit at the time: it orders these words against
-- the arrival of traces without trusting any clock.

create table score_records (
    project varchar,
    thread_id varchar,
    trace_id varchar,
    span_id varchar,
    name varchar,
    value double,
    category varchar,
    reason varchar,
    source varchar,
    author varchar,
    created_at timestamptz,
    updated_at timestamptz,
    sequence bigint
);
comment on table score_records is 'Internal: scores that were given. Read scores instead.';

create table comments (
    id varchar,
    project varchar,
    thread_id varchar,
    trace_id varchar,
    text varchar,
    author varchar,
    created_at timestamptz,
    updated_at timestamptz
);
comment on table comments is 'What people wrote about threads and traces.';
comment on column comments.id is 'Id of the comment.';
comment on column comments.project is 'Project.';
comment on column comments.thread_id is 'Thread that it is about; null when about a trace.';
comment on column comments.trace_id is 'Trace that it is about; null when about a thread.';
comment on column comments.text is 'The words.';
comment on column comments.author is 'Who wrote it, as given.';
comment on column comments.created_at is 'When it was written.';
comment on column comments.updated_at is 'When it was last changed.';

create table tag_changes (
    project varchar,
    thread_id varchar,
    trace_id varchar,
    tag varchar,
    is_removed boolean,
    updated_at timestamptz
);
comment on table tag_changes is 'Internal: tags that people added to or removed from what spans brought.';

create table lifecycle (
    project varchar,
    thread_id varchar,
    is_closed boolean,
    changed_at timestamptz,
    sequence bigint
);
comment on table lifecycle is 'Internal: the last close or reopen by hand of a thread.';

create table project_settings (
    project varchar,
    thread_cooldown_s double
);
comment on table project_settings is 'Internal: settings that a project has of its own.';

create table saved_views (
    project varchar,
    name varchar,
    filter varchar,
    sort varchar,
    columns varchar[],
    created_at timestamptz,
    updated_at timestamptz
);
comment on table saved_views is 'Selections that people saved under a name.';
comment on column saved_views.project is 'Project.';
comment on column saved_views.name is 'Name, unique within the project.';
comment on column saved_views.filter is 'Filter, in the language of docs/filters.md.';
comment on column saved_views.sort is 'Field to sort by; - before it for descending.';
comment on column saved_views.columns is 'Columns to show.';
comment on column saved_views.created_at is 'When it was first saved.';
comment on column saved_views.updated_at is 'When it was last saved.';

create table clock_steps (
    sequence bigint,
    step_ms double,
    noticed_at timestamptz
);
comment on table clock_steps is 'Internal: jumps of this machine''s clock, by the last commit before each.';

-- Evaluation results that came as OpenTelemetry events. Derived: a rebuild replaces them.
create table evaluations (
    project varchar,
    trace_id varchar,
    span_id varchar,
    evidence_trace_id varchar,
    response_id varchar,
    start_time_unix_nano bigint,
    name varchar,
    value double,
    category varchar,
    reason varchar,
    author varchar,
    created_at timestamptz
);
comment on table evaluations is 'Internal: gen_ai.evaluation.result events. Read scores instead.';

-- Threads with what people said and what the time of day says. fact_row finds the whole row again.
create view annotated_threads as
with s as (select max(value)::double as cooldown_s from settings where name = 'thread_cooldown_s'),
c as (
    select project, thread_id, count(*) as comment_count
    from comments where thread_id is not null group by project, thread_id
),
g as (
    select
        project, thread_id,
        list(tag) filter (not is_removed) as added, list(tag) filter (is_removed) as removed
    from tag_changes where thread_id is not null group by project, thread_id
)
select
    f.rowid as fact_row,
    f.* replace (
        case when g.thread_id is null then f.tags else list_sort(list_distinct(list_filter(
            list_concat(f.tags, g.added), lambda t: not list_contains(coalesce(g.removed, []), t))))
        end as tags),
    coalesce(c.comment_count, 0) as comment_count,
    case
        when l.is_closed and f.last_trace_sequence <= l.sequence then 'inactive'
        when greatest(f.updated_at, case when not l.is_closed then l.changed_at end)
            + to_microseconds((1e6 * coalesce(p.thread_cooldown_s, (select cooldown_s from s)))::bigint
                + coalesce((1e3 * (
                    select sum(k.step_ms) from clock_steps k where k.sequence >= f.last_sequence
                ))::bigint, 0)) > now()
        then 'active' else 'inactive'
    end as status
from thread_facts f
left join lifecycle l on l.thread_id = f.thread_id and l.project = f.project
left join project_settings p on p.project = f.project
left join c on c.thread_id = f.thread_id and c.project = f.project
left join g on g.thread_id = f.thread_id and g.project = f.project;

comment on view annotated_threads is 'Internal: threads with the place of their facts.';

create view threads as select * exclude (fact_row) from annotated_threads;
comment on view threads is 'Every conversation, one row each.';
comment on column threads.project is 'Project.';
comment on column threads.thread_id is 'Conversation id; unique within the project.';
comment on column threads.thread_id_source is 'The attribute that named the thread.';
comment on column threads.first_activity_time is 'Start of its earliest span.';
comment on column threads.last_activity_time is 'End of its latest span.';
comment on column threads.created_at is 'When its first span was received.';
comment on column threads.updated_at is 'When its last span was received.';
comment on column threads.duration_ms is 'From first to last activity.';
comment on column threads.turn_count is 'Turns.';
comment on column threads.trace_count is 'Traces.';
comment on column threads.span_count is 'Spans.';
comment on column threads.message_count is 'Messages, each counted once.';
comment on column threads.error_count is 'Failures: spans with an error and no failed span below them.';
comment on column threads.call_count is 'Model requests.';
comment on column threads.first_message is 'First user message, cut at 10,000 characters.';
comment on column threads.last_message is 'Last message, cut at 10,000 characters.';
comment on column threads.models is 'Models that answered.';
comment on column threads.providers is 'Providers as the instrumentation names them.';
comment on column threads.services is 'Services: resource attribute service.name.';
comment on column threads.users is 'User ids found on spans.';
comment on column threads.environments is 'Deployment environments.';
comment on column threads.tags is 'Tags that came with spans, with what people added and removed.';
comment on column threads.metadata is 'Metadata that came with spans.';
comment on column threads.input_tokens is 'Input tokens, cached ones included; null is unknown.';
comment on column threads.output_tokens is 'Output tokens, reasoning included; null is unknown.';
comment on column threads.total_tokens is 'Input and output tokens; null is unknown.';
comment on column threads.cache_read_tokens is 'Input tokens read from a cache; null is unknown.';
comment on column threads.cache_write_tokens is 'Input tokens written to a cache; null is unknown.';
comment on column threads.reasoning_tokens is 'Output tokens spent on reasoning; null is unknown.';
comment on column threads.input_audio_tokens is 'Input tokens of audio; null is unknown.';
comment on column threads.output_audio_tokens is 'Output tokens of audio; null is unknown.';
comment on column threads.cost_usd is 'Cost in US dollars; null is unknown.';
comment on column threads.cost_source is 'reported, estimated or mixed.';
comment on column threads.cost_is_partial is 'Whether the cost of some call is unknown.';
comment on column threads.status is 'active while spans arrive and for the cooldown after; inactive then, or when closed by hand.';
comment on column threads.comment_count is 'Comments on the thread.';
comment on column threads.first_sequence is 'Commit in which its first span was stored.';
comment on column threads.last_sequence is 'Commit in which its last span was stored.';
comment on column threads.last_trace_sequence is 'Commit in which its newest trace first appeared.';
comment on column threads.last_trace_at is 'When its newest trace first appeared.';

-- What was said before the thread arrived holds for its first trace.
create view scores as
with s as (select bool_or(value = 'supersede') as supersede from settings where name = 'scores_on_new_trace')
select
    r.project, r.thread_id, r.trace_id, r.span_id, r.name, r.value, r.category, r.reason, r.source,
    r.author, r.created_at, r.updated_at,
    case when (select supersede from s) and r.trace_id is null and f.last_trace_sequence > greatest(r.sequence, f.first_sequence)
        then f.last_trace_at end as superseded_at
from score_records r
left join thread_facts f on f.thread_id = r.thread_id and f.project = r.project
union all by name
select
    e.project, null::varchar as thread_id, coalesce(c.trace_id, e.trace_id) as trace_id,
    coalesce(c.span_id, e.span_id) as span_id, e.name, e.value, e.category, e.reason,
    'otel' as source, e.author, e.created_at, e.created_at as updated_at,
    null::timestamptz as superseded_at
from evaluations e
left join (
    select project, response_id, min(trace_id) as trace_id, arg_min(span_id, trace_id) as span_id
    from calls
    where response_id in (select response_id from evaluations where response_id is not null)
    group by project, response_id
) c on c.response_id = e.response_id and c.project = e.project;
comment on view scores is 'Named numbers and categories on threads, traces and spans.';
comment on column scores.project is 'Project.';
comment on column scores.thread_id is 'Thread that is scored; null when a trace or span is.';
comment on column scores.trace_id is 'Trace that is scored; null when a thread is.';
comment on column scores.span_id is 'Span that is scored; null when a whole trace or thread is.';
comment on column scores.name is 'Name of the score.';
comment on column scores.value is 'Number; null when there is only a category.';
comment on column scores.category is 'Category; null when there is only a number.';
comment on column scores.reason is 'Why, as given.';
comment on column scores.source is 'ui, sdk, api, online, or otel for evaluation events.';
comment on column scores.author is 'Who or what scored, as given.';
comment on column scores.created_at is 'When it was first given.';
comment on column scores.updated_at is 'When it was last given.';
comment on column scores.superseded_at is 'When a new trace made it history; null while it counts.';

create view annotated_traces as
with c as (
    select trace_id, count(*) as comment_count
    from comments where trace_id is not null group by trace_id
),
g as (
    select
        project, trace_id,
        list(tag) filter (not is_removed) as added, list(tag) filter (is_removed) as removed
    from tag_changes where trace_id is not null group by project, trace_id
)
select
    t.rowid as fact_row,
    t.* replace (
        case when g.trace_id is null then t.tags else list_sort(list_distinct(list_filter(
            list_concat(t.tags, g.added), lambda x: not list_contains(coalesce(g.removed, []), x))))
        end as tags),
    coalesce(c.comment_count, 0) as comment_count
from traces t
left join c on c.trace_id = t.trace_id
left join g on g.trace_id = t.trace_id and g.project = t.project;
comment on view annotated_traces is 'Internal: traces with the tags and comments of people.';
