-- Internal tables and views begin with x_, so that `show tables` leads with what is made for people.
-- Names only, no row is copied. A view keeps the names it was made with: those that read these
-- tables are made anew. turn_pieces and log_pieces stay as views: people's queries name them, and so
-- do the shortened values of turns and messages.

drop view threads;
drop view annotated_threads;
drop view annotated_traces;
drop view scored_threads;
drop view scores;
drop view span_content;
drop view message_texts;

alter table content_pieces rename to x_content_chunks;
alter table turn_pieces rename to x_turn_chunks;
alter table log_pieces rename to x_log_chunks;
alter table part_payloads rename to x_part_payloads;
alter table tag_changes rename to x_tag_changes;
alter table lifecycle rename to x_lifecycle;
alter table project_settings rename to x_project_settings;
alter table clock_steps rename to x_clock_steps;
alter table evaluations rename to x_evaluations;
alter table score_records rename to x_score_records;
alter table trace_slices rename to x_trace_slices;
alter table turn_parts rename to x_turn_parts;
alter table thread_facts rename to x_thread_facts;
alter table tool_links rename to x_tool_links;
alter table traces_again rename to x_traces_to_rederive;
alter table derive_state rename to x_derive_state;
alter table settings rename to x_settings;

alter table x_content_chunks rename column piece_index to chunk_index;
alter table x_part_payloads rename column piece_index to chunk_index;
alter table x_log_chunks rename column piece_index to chunk_index;
alter table x_turn_chunks rename column piece_index to chunk_index;

comment on table x_derive_state is 'Internal: how far the deriver has read, one row.';
comment on table x_settings is 'Internal: settings of the server that views need.';
comment on table x_content_chunks is 'Internal: long attribute values, in chunks of 16 KiB. Read span_content instead.';
comment on column x_content_chunks.value is 'The value, as text, or a chunk of it.';
comment on column x_content_chunks.chunk_index is 'Which chunk of the value, from 0; null for a whole value.';
comment on table x_part_payloads is 'Internal: the parts of turns as JSON, in chunks of 16 KiB. Read turns and messages instead.';
comment on column x_part_payloads.part_index is 'Which part of a turn in its trace, as in x_turn_parts.';
comment on column x_part_payloads.chunk_index is 'Which chunk of the JSON, from 0.';
comment on column x_part_payloads.payload is 'A chunk of the JSON.';
comment on table x_log_chunks is 'Internal: long bodies and attribute values of log records, in chunks of 16 KiB. Read log_pieces instead.';
comment on column x_log_chunks.chunk_index is 'Which chunk of the value, from 0.';
comment on column x_log_chunks.value is 'A chunk of the value, as text.';
comment on table x_turn_chunks is 'Internal: long values of turns and messages, in chunks of 16 KiB. Read turn_pieces instead.';
comment on column x_turn_chunks.chunk_index is 'Which chunk of the value, from 0.';
comment on column x_turn_chunks.value is 'A chunk of the value.';

-- Threads with what people said and what the time of day says. fact_row finds the whole row again.
create view x_annotated_threads as
with s as (select max(value)::double as cooldown_s from x_settings where name = 'thread_cooldown_s'),
c as (
    select project, thread_id, count(*) as comment_count
    from comments where thread_id is not null group by project, thread_id
),
g as (
    select
        project, thread_id,
        list(tag) filter (not is_removed) as added, list(tag) filter (is_removed) as removed
    from x_tag_changes where thread_id is not null group by project, thread_id
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
                    select sum(k.step_ms) from x_clock_steps k where k.sequence >= f.last_sequence
                ))::bigint, 0)) > now()
        then 'active' else 'inactive'
    end as status
from x_thread_facts f
left join x_lifecycle l on l.thread_id = f.thread_id and l.project = f.project
left join x_project_settings p on p.project = f.project
left join c on c.thread_id = f.thread_id and c.project = f.project
left join g on g.thread_id = f.thread_id and g.project = f.project;
comment on view x_annotated_threads is 'Internal: threads with the place of their facts.';

create view threads as select * exclude (fact_row) from x_annotated_threads;
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
with s as (select bool_or(value = 'supersede') as supersede from x_settings where name = 'scores_on_new_trace')
select
    r.project, r.thread_id, r.trace_id, r.span_id, r.name, r.value, r.category, r.reason, r.source,
    r.author, r.created_at, r.updated_at,
    case when (select supersede from s) and r.trace_id is null and f.last_trace_sequence > greatest(r.sequence, f.first_sequence)
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

create view x_annotated_traces as
with c as (
    select trace_id, count(*) as comment_count
    from comments where trace_id is not null group by trace_id
),
g as (
    select
        project, trace_id,
        list(tag) filter (not is_removed) as added, list(tag) filter (is_removed) as removed
    from x_tag_changes where trace_id is not null group by project, trace_id
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
comment on view x_annotated_traces is 'Internal: traces with the tags and comments of people.';

create view scored_threads as
select
    s.project, s.thread_id, s.name, avg(s.value) as value, count(*) as score_count,
    list(distinct s.author) filter (s.author is not null) as authors,
    list(s.reason order by s.updated_at desc) filter (s.reason is not null) as reasons,
    any_value(t.last_activity_time) as last_activity_time, any_value(t.turn_count) as turn_count,
    any_value(t.first_message) as first_message, any_value(t.last_message) as last_message
from scores s join x_thread_facts t on t.thread_id = s.thread_id and t.project = s.project
where s.superseded_at is null and s.thread_id is not null
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

create view span_content as
select ingest_seq, project, trace_id, span_id, start_time, event_index, key, value
from x_content_chunks where chunk_index is null
union all
select
    ingest_seq, project, trace_id, span_id, start_time, event_index, key,
    string_agg(value, '' order by chunk_index) as value
from x_content_chunks where chunk_index is not null
group by ingest_seq, project, trace_id, span_id, start_time, event_index, key;
comment on view span_content is 'Attribute values of 257 bytes and more: prompts, completions, documents, stack traces.';
comment on column span_content.ingest_seq is 'Number of the commit, as in spans.';
comment on column span_content.project is 'Project of the span.';
comment on column span_content.trace_id is 'Trace id of the span.';
comment on column span_content.span_id is 'Span id of the span.';
comment on column span_content.start_time is 'Start of the span: bound it, and the lookup is fast.';
comment on column span_content.event_index is 'Which event of the span holds the value; null for an attribute of the span.';
comment on column span_content.key is 'Attribute key.';
comment on column span_content.value is 'The value, as text.';

create view message_texts as
select project, thread_id, trace_id, turn_index, text from messages
union all
select project, thread_id, trace_id, turn_index, value as text from x_turn_chunks
where name = 'text' and chunk_index > 0;
comment on view message_texts is 'To look for words in all that was said: a row a message, and more of one that is longer than 16 KiB.';
comment on column message_texts.project is 'Project.';
comment on column message_texts.thread_id is 'Thread; null for a trace without one.';
comment on column message_texts.trace_id is 'First trace of the turn.';
comment on column message_texts.turn_index is 'Which turn, as in turns.';
comment on column message_texts.text is 'Text of a message, or of a piece of it.';

create view log_pieces as
select
    ingest_seq, project, trace_id, span_id, fingerprint, key, chunk_index as piece_index, value
from x_log_chunks;
comment on view log_pieces is 'Bodies and attribute values of log records that are longer than 16 KiB (null there), in pieces: string_agg(value, '''' order by piece_index).';
comment on column log_pieces.ingest_seq is 'Number of the commit, as in log_records.';
comment on column log_pieces.project is 'Project of the log record.';
comment on column log_pieces.trace_id is 'Trace id of the log record.';
comment on column log_pieces.span_id is 'Span id of the log record.';
comment on column log_pieces.fingerprint is 'Which log record of the project.';
comment on column log_pieces.key is 'Attribute key; null for the body.';
comment on column log_pieces.piece_index is 'Which piece of the value, from 0.';
comment on column log_pieces.value is 'A piece of the value, as text.';

create view turn_pieces as
select
    project, thread_id, trace_id, turn_index, message_index, start_time_unix_nano, name,
    chunk_index as piece_index, value
from x_turn_chunks;
comment on view turn_pieces is 'Values of turns and messages that are longer than 16 KiB, in pieces: string_agg(value, '''' order by piece_index).';
comment on column turn_pieces.project is 'Project.';
comment on column turn_pieces.thread_id is 'Thread; null for a trace without one.';
comment on column turn_pieces.trace_id is 'First trace of the turn.';
comment on column turn_pieces.turn_index is 'Which turn, as in turns.';
comment on column turn_pieces.message_index is 'Which message of the turn, as in messages; null for a value of the turn itself.';
comment on column turn_pieces.start_time_unix_nano is 'Start of the turn, in nanoseconds since 1970-01-01 UTC.';
comment on column turn_pieces.name is 'Column of turns or messages whose value it is.';
comment on column turn_pieces.piece_index is 'Which piece of the value, from 0.';
comment on column turn_pieces.value is 'A piece of the value.';
