-- Scores on the turns, traces and spans of a thread, by the thread: rows, sums, and threads with both.
-- A score may name a turn by its index before the turn is here.

alter table x_score_records add column turn_index bigint;

-- What was said before the thread arrived holds for its first trace.
create or replace view scores as
with s as (select bool_or(value = 'supersede') as supersede from x_settings where name = 'scores_on_new_trace')
select
    r.project, r.thread_id, r.trace_id, r.span_id, r.turn_index, r.name, r.value, r.category,
    r.reason, r.source, r.author, r.created_at, r.updated_at,
    case when (select supersede from s) and r.trace_id is null and r.turn_index is null
            and f.last_trace_sequence > greatest(r.sequence, f.first_sequence)
        then f.last_trace_at end as superseded_at
from x_score_records r
left join x_thread_facts f on f.thread_id = r.thread_id and f.project = r.project
union all by name
select
    e.project, null::varchar as thread_id, coalesce(c.trace_id, e.trace_id) as trace_id,
    coalesce(c.span_id, e.span_id) as span_id, e.name, e.value, e.category, e.reason,
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

-- A trace may hold several threads: a score on a span of a turn or of a call is its thread's.
-- Not materialized: what is asked by name then reads that name's scores alone.
create view x_turn_score_records as
with r as not materialized (
    select trace_id, span_id, name, value, category, reason, author, updated_at
    from x_score_records where trace_id is not null
    union all
    select trace_id, span_id, name, value, category, reason, author, created_at
    from x_evaluations where response_id is null
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

create view turn_scores as
select
    project, thread_id, name, count(*) as count, round(avg(value), 12) as mean, min(value) as min,
    max(value) as max,
    coalesce(list_aggregate(flatten(list(categories)), 'histogram'), map {}) as categories
from (
    select
        project, thread_id, trace_id, span_id, turn_index, name, round(avg(value), 12) as value,
        coalesce(list(category) filter (category is not null), []) as categories
    from x_turn_score_records
    group by project, thread_id, trace_id, span_id, turn_index, name
)
group by project, thread_id, name;
comment on view turn_scores is 'Scores on the turns, traces and spans of each thread, a row a name: from turn_scores where name = ''thumb'' and min = 0.';
comment on column turn_scores.project is 'Project.';
comment on column turn_scores.thread_id is 'Conversation id.';
comment on column turn_scores.name is 'Name of the score.';
comment on column turn_scores.count is 'How many turns, traces and spans have it.';
comment on column turn_scores.mean is 'Mean of their values; null when there are only categories.';
comment on column turn_scores.min is 'Smallest value.';
comment on column turn_scores.max is 'Largest value.';
comment on column turn_scores.categories is 'How often each category was given.';

create or replace view scored_threads as
select
    s.project, s.thread_id, s.name, round(avg(s.value), 12) as value, count(*) as score_count,
    list(distinct s.author) filter (s.author is not null) as authors,
    list(s.reason order by s.updated_at desc) filter (s.reason is not null) as reasons,
    any_value(t.last_activity_time) as last_activity_time, any_value(t.turn_count) as turn_count,
    any_value(t.first_message) as first_message, any_value(t.last_message) as last_message
from scores s join x_thread_facts t on t.thread_id = s.thread_id and t.project = s.project
where s.superseded_at is null and s.thread_id is not null and s.turn_index is null
group by s.project, s.thread_id, s.name;
comment on view scored_threads is 'Scored threads, a row per score name: from scored_threads where name = ''quality'' and value < 0.5.';
comment on column scored_threads.project is 'Project.';
comment on column scored_threads.thread_id is 'Conversation id.';
comment on column scored_threads.name is 'Name of the score.';
comment on column scored_threads.value is 'Mean over the authors; null when there are only categories.';
comment on column scored_threads.score_count is 'How many current scores of that name there are.';
comment on column scored_threads.authors is 'Who scored.';
comment on column scored_threads.reasons is 'Why, the latest first.';
comment on column scored_threads.last_activity_time is 'End of the last span of the thread.';
comment on column scored_threads.turn_count is 'Turns of the thread.';
comment on column scored_threads.first_message is 'First words of the user.';
comment on column scored_threads.last_message is 'Last words of the assistant.';

create view annotated_threads as
with own as (
    select project, thread_id, map_from_entries(list((name, value) order by name)) as scores
    from scored_threads group by project, thread_id
),
below as (
    select
        project, thread_id,
        map_from_entries(list((name, {
            'count': count, 'mean': mean, 'min': min, 'max': max, 'categories': categories
        }) order by name)) as turn_scores
    from turn_scores group by project, thread_id
)
select t.*, own.scores, below.turn_scores
from threads t
left join own on own.project = t.project and own.thread_id = t.thread_id
left join below on below.project = t.project and below.thread_id = t.thread_id;
comment on view annotated_threads is 'Every conversation with its scores: select thread_id from annotated_threads where turn_scores[''thumb''].min = 0.';
comment on column annotated_threads.project is 'Project.';
comment on column annotated_threads.thread_id is 'Conversation id; unique within the project.';
comment on column annotated_threads.thread_id_source is 'The attribute that named the thread.';
comment on column annotated_threads.first_activity_time is 'Start of its earliest span.';
comment on column annotated_threads.last_activity_time is 'End of its latest span.';
comment on column annotated_threads.created_at is 'When its first span was received.';
comment on column annotated_threads.updated_at is 'When its last span was received.';
comment on column annotated_threads.duration_ms is 'From first to last activity.';
comment on column annotated_threads.turn_count is 'Turns.';
comment on column annotated_threads.trace_count is 'Traces.';
comment on column annotated_threads.span_count is 'Spans.';
comment on column annotated_threads.message_count is 'Messages, each counted once.';
comment on column annotated_threads.error_count is 'Failures: spans with an error and no failed span below them.';
comment on column annotated_threads.call_count is 'Model requests.';
comment on column annotated_threads.first_message is 'First user message, cut at 10,000 characters.';
comment on column annotated_threads.last_message is 'Last message, cut at 10,000 characters.';
comment on column annotated_threads.models is 'Models that answered.';
comment on column annotated_threads.providers is 'Providers as the instrumentation names them.';
comment on column annotated_threads.services is 'Services: resource attribute service.name.';
comment on column annotated_threads.users is 'User ids found on spans.';
comment on column annotated_threads.environments is 'Deployment environments.';
comment on column annotated_threads.tags is 'Tags that came with spans, with what people added and removed.';
comment on column annotated_threads.metadata is 'Metadata that came with spans.';
comment on column annotated_threads.input_tokens is 'Input tokens, cached ones included; null is unknown.';
comment on column annotated_threads.output_tokens is 'Output tokens, reasoning included; null is unknown.';
comment on column annotated_threads.total_tokens is 'Input and output tokens; null is unknown.';
comment on column annotated_threads.cache_read_tokens is 'Input tokens read from a cache; null is unknown.';
comment on column annotated_threads.cache_write_tokens is 'Input tokens written to a cache; null is unknown.';
comment on column annotated_threads.reasoning_tokens is 'Output tokens spent on reasoning; null is unknown.';
comment on column annotated_threads.input_audio_tokens is 'Input tokens of audio; null is unknown.';
comment on column annotated_threads.output_audio_tokens is 'Output tokens of audio; null is unknown.';
comment on column annotated_threads.cost_usd is 'Cost in US dollars; null is unknown.';
comment on column annotated_threads.cost_source is 'reported, estimated or mixed.';
comment on column annotated_threads.cost_is_partial is 'Whether the cost of some call is unknown.';
comment on column annotated_threads.status is 'active while spans arrive and for the cooldown after; inactive then, or when closed by hand.';
comment on column annotated_threads.comment_count is 'Comments on the thread.';
comment on column annotated_threads.first_sequence is 'Commit in which its first span was stored.';
comment on column annotated_threads.last_sequence is 'Commit in which its last span was stored.';
comment on column annotated_threads.last_trace_sequence is 'Commit in which its newest trace first appeared.';
comment on column annotated_threads.last_trace_at is 'When its newest trace first appeared.';
comment on column annotated_threads.scores is 'Current scores of the thread itself: the mean over the authors by name.';
comment on column annotated_threads.turn_scores is 'Current scores on its turns, traces and spans, by name, as in turn_scores.';
