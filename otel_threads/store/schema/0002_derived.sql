-- What the deriver makes of the raw tables: a pure function of them, remade by `rebuild`.

create table derive_state (derived_sequence bigint);
insert into derive_state values (0);
comment on table derive_state is 'How far the deriver has read: one row.';
comment on column derive_state.derived_sequence is 'The last spans.ingest_seq that is in the derived tables.';

create table settings (name varchar, value varchar);
comment on table settings is 'Settings of the server that views need.';
comment on column settings.name is 'Name of the setting.';
comment on column settings.value is 'Its value as text.';

create table traces (
    project varchar,
    trace_id varchar,
    trace_key bigint,
    thread_id varchar,
    thread_ids varchar[],
    thread_id_source varchar,
    root_span_id varchar,
    name varchar,
    start_time timestamptz,
    end_time timestamptz,
    start_time_unix_nano bigint,
    end_time_unix_nano bigint,
    duration_ms double,
    created_at timestamptz,
    updated_at timestamptz,
    first_sequence bigint,
    last_sequence bigint,
    turn_count bigint,
    span_count bigint,
    error_count bigint,
    call_count bigint,
    first_message varchar,
    last_message varchar,
    models varchar[],
    providers varchar[],
    services varchar[],
    users varchar[],
    environments varchar[],
    tags varchar[],
    metadata map(varchar, varchar),
    input_tokens bigint,
    output_tokens bigint,
    total_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    input_audio_tokens bigint,
    output_audio_tokens bigint,
    cost_usd double,
    cost_source varchar,
    cost_is_partial boolean,
    is_copy boolean
);
comment on table traces is 'Every trace, one row each, with what its spans add up to.';
comment on column traces.project is 'Project of the root span, else of the earliest.';
comment on column traces.trace_key is 'First 60 bits of the trace id: found five times as fast as the text.';
comment on column traces.trace_id is 'Trace id, 32 lower-case hex digits.';
comment on column traces.thread_id is 'The thread when the trace has exactly one; else null.';
comment on column traces.thread_ids is 'All threads of the trace, in the order of their first span.';
comment on column traces.thread_id_source is 'The attribute that named the thread.';
comment on column traces.root_span_id is 'Span id of the root; null while it is missing.';
comment on column traces.name is 'Name of the root, else of the earliest span.';
comment on column traces.start_time is 'Start of the earliest span.';
comment on column traces.end_time is 'End of the latest span.';
comment on column traces.start_time_unix_nano is 'The same in nanoseconds since 1970-01-01 UTC.';
comment on column traces.end_time_unix_nano is 'The same in nanoseconds since 1970-01-01 UTC.';
comment on column traces.duration_ms is 'End minus start.';
comment on column traces.created_at is 'When its first span was received.';
comment on column traces.first_sequence is 'Commit in which its first span was stored.';
comment on column traces.last_sequence is 'Commit in which its last span was stored.';
comment on column traces.updated_at is 'When its last span was received.';
comment on column traces.turn_count is 'Turns, or parts of turns, in the trace.';
comment on column traces.span_count is 'Spans.';
comment on column traces.error_count is 'Failures: spans with an error and no failed span below them.';
comment on column traces.call_count is 'Model requests, each counted once.';
comment on column traces.first_message is 'First user message.';
comment on column traces.last_message is 'Last message.';
comment on column traces.models is 'Models that answered, else those that were asked.';
comment on column traces.providers is 'Providers as the instrumentation names them.';
comment on column traces.services is 'Services: resource attribute service.name.';
comment on column traces.users is 'User ids found on spans.';
comment on column traces.environments is 'Deployment environments.';
comment on column traces.tags is 'Tags that came with spans.';
comment on column traces.metadata is 'Metadata that came with spans.';
comment on column traces.input_tokens is 'Input tokens, cached ones included; null is unknown.';
comment on column traces.output_tokens is 'Output tokens, reasoning included; null is unknown.';
comment on column traces.total_tokens is 'Input and output tokens; null is unknown.';
comment on column traces.cache_read_tokens is 'Input tokens read from a cache; null is unknown.';
comment on column traces.cache_write_tokens is 'Input tokens written to a cache; null is unknown.';
comment on column traces.reasoning_tokens is 'Output tokens spent on reasoning; null is unknown.';
comment on column traces.input_audio_tokens is 'Input tokens of audio; null is unknown.';
comment on column traces.output_audio_tokens is 'Output tokens of audio; null is unknown.';
comment on column traces.cost_usd is 'Cost in US dollars; null is unknown.';
comment on column traces.cost_source is 'reported, estimated or mixed.';
comment on column traces.cost_is_partial is 'Whether the cost of some call is unknown.';
comment on column traces.is_copy is 'Whether the same spans were sent to several projects: each has a trace of its own then.';

create table trace_slices (
    project varchar,
    trace_id varchar,
    thread_id varchar,
    thread_id_source varchar,
    start_time_unix_nano bigint,
    end_time_unix_nano bigint,
    received_unix_nano bigint,
    created_unix_nano bigint,
    first_sequence bigint,
    last_sequence bigint,
    trace_sequence bigint,
    span_count bigint,
    error_count bigint,
    call_count bigint,
    models varchar[],
    providers varchar[],
    services varchar[],
    users varchar[],
    environments varchar[],
    tags varchar[],
    metadata map(varchar, varchar),
    input_tokens bigint,
    output_tokens bigint,
    total_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    input_audio_tokens bigint,
    output_audio_tokens bigint,
    cost_usd double,
    cost_source varchar,
    cost_is_partial boolean
);
comment on table trace_slices is 'Internal: what each trace adds to each of its threads. Read traces and threads instead.';

create table calls (
    project varchar,
    thread_id varchar,
    trace_id varchar,
    span_id varchar,
    name varchar,
    start_time timestamptz,
    start_time_unix_nano bigint,
    end_time_unix_nano bigint,
    duration_ms double,
    request_model varchar,
    response_model varchar,
    provider varchar,
    response_id varchar,
    reported_by varchar[],
    finish_reasons varchar[],
    input_tokens bigint,
    output_tokens bigint,
    total_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    input_audio_tokens bigint,
    output_audio_tokens bigint,
    cost_usd double,
    cost_source varchar,
    time_to_first_token_ms double,
    error_type varchar,
    error_message varchar
);
comment on table calls is 'Every model request, once, however many spans report it.';
comment on column calls.project is 'Project of the trace.';
comment on column calls.thread_id is 'Thread of the request; null without one.';
comment on column calls.trace_id is 'Trace id.';
comment on column calls.span_id is 'Outermost span that reports the request.';
comment on column calls.name is 'Name of that span.';
comment on column calls.start_time is 'Start of the request.';
comment on column calls.start_time_unix_nano is 'The same in nanoseconds since 1970-01-01 UTC.';
comment on column calls.end_time_unix_nano is 'End, in nanoseconds since 1970-01-01 UTC.';
comment on column calls.duration_ms is 'End minus start.';
comment on column calls.request_model is 'Model that was asked.';
comment on column calls.response_model is 'Model that answered.';
comment on column calls.provider is 'Provider as the instrumentation names it.';
comment on column calls.response_id is 'Id of the response.';
comment on column calls.reported_by is 'Instrumentation scopes that reported the request; several when it is instrumented twice.';
comment on column calls.finish_reasons is 'Why the model stopped.';
comment on column calls.input_tokens is 'Input tokens, cached ones included; null is unknown.';
comment on column calls.output_tokens is 'Output tokens, reasoning included; null is unknown.';
comment on column calls.total_tokens is 'Input and output tokens; null is unknown.';
comment on column calls.cache_read_tokens is 'Input tokens read from a cache; null is unknown.';
comment on column calls.cache_write_tokens is 'Input tokens written to a cache; null is unknown.';
comment on column calls.reasoning_tokens is 'Output tokens spent on reasoning; null is unknown.';
comment on column calls.input_audio_tokens is 'Input tokens of audio; null is unknown.';
comment on column calls.output_audio_tokens is 'Output tokens of audio; null is unknown.';
comment on column calls.cost_usd is 'Cost in US dollars; null is unknown.';
comment on column calls.cost_source is 'reported or estimated; null without a cost.';
comment on column calls.time_to_first_token_ms is 'From the start to the first token of a streamed answer.';
comment on column calls.error_type is 'Kind of the error; null when it went well or none was named.';
comment on column calls.error_message is 'Text of the error.';

create table turn_parts (
    project varchar,
    thread_id varchar,
    trace_id varchar,
    part_index bigint,
    start_time_unix_nano bigint,
    continues boolean,
    payload varchar using compression zstd
);
comment on table turn_parts is 'Internal: what each trace holds of each turn, as JSON. Read turns and messages instead.';

create table turns (
    project varchar,
    thread_id varchar,
    turn_index bigint,
    trace_id varchar,
    trace_ids varchar[],
    span_id varchar,
    name varchar,
    start_time timestamptz,
    end_time timestamptz,
    start_time_unix_nano bigint,
    end_time_unix_nano bigint,
    duration_ms double,
    time_to_first_token_ms double,
    "user" varchar using compression zstd,
    assistant varchar using compression zstd,
    system varchar using compression zstd,
    error_type varchar,
    error_message varchar,
    has_error boolean,
    tool_calls json using compression zstd,
    models varchar[],
    providers varchar[],
    call_count bigint,
    span_count bigint,
    message_count bigint,
    input_tokens bigint,
    output_tokens bigint,
    total_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    input_audio_tokens bigint,
    output_audio_tokens bigint,
    cost_usd double,
    cost_source varchar,
    cost_is_partial boolean
);
comment on table turns is 'Every turn: one user message and everything until the assistant''s final text.';
comment on column turns.project is 'Project.';
comment on column turns.thread_id is 'Thread; null for a turn of a trace without one.';
comment on column turns.turn_index is 'Position in the thread (in the trace without one), from 0.';
comment on column turns.trace_id is 'First trace of the turn.';
comment on column turns.trace_ids is 'All traces of the turn, oldest first.';
comment on column turns.span_id is 'Outer span of the turn.';
comment on column turns.name is 'Name of that span.';
comment on column turns.start_time is 'Start.';
comment on column turns.end_time is 'End.';
comment on column turns.start_time_unix_nano is 'Start, in nanoseconds since 1970-01-01 UTC.';
comment on column turns.end_time_unix_nano is 'End, in nanoseconds since 1970-01-01 UTC.';
comment on column turns.duration_ms is 'End minus start.';
comment on column turns.time_to_first_token_ms is 'Of the first streamed request of the turn.';
comment on column turns."user" is 'What the user said; null when it was not captured.';
comment on column turns.assistant is 'What the assistant answered; null when it failed or was not captured.';
comment on column turns.system is 'System prompt of the turn.';
comment on column turns.error_type is 'Kind of the error that ended the turn.';
comment on column turns.error_message is 'Text of that error.';
comment on column turns.has_error is 'Whether the turn ended in an error.';
comment on column turns.tool_calls is 'JSON list of {id, name, arguments, result, error}.';
comment on column turns.models is 'Models that answered.';
comment on column turns.providers is 'Providers as the instrumentation names them.';
comment on column turns.call_count is 'Model requests.';
comment on column turns.span_count is 'Spans below the outer spans of the turn.';
comment on column turns.message_count is 'Messages of the turn.';
comment on column turns.input_tokens is 'Input tokens, cached ones included; null is unknown.';
comment on column turns.output_tokens is 'Output tokens, reasoning included; null is unknown.';
comment on column turns.total_tokens is 'Input and output tokens; null is unknown.';
comment on column turns.cache_read_tokens is 'Input tokens read from a cache; null is unknown.';
comment on column turns.cache_write_tokens is 'Input tokens written to a cache; null is unknown.';
comment on column turns.reasoning_tokens is 'Output tokens spent on reasoning; null is unknown.';
comment on column turns.input_audio_tokens is 'Input tokens of audio; null is unknown.';
comment on column turns.output_audio_tokens is 'Output tokens of audio; null is unknown.';
comment on column turns.cost_usd is 'Cost in US dollars; null is unknown.';
comment on column turns.cost_source is 'reported, estimated or mixed.';
comment on column turns.cost_is_partial is 'Whether the cost of some call is unknown.';

create table messages (
    project varchar,
    thread_id varchar,
    trace_id varchar,
    turn_index bigint,
    message_index bigint,
    start_time_unix_nano bigint,
    span_id varchar,
    role varchar,
    text varchar using compression zstd,
    parts json using compression zstd,
    tool_calls json using compression zstd,
    tool_call_id varchar
);
comment on table messages is 'The conversation, each message once, however often requests repeat the history.';
comment on column messages.project is 'Project.';
comment on column messages.thread_id is 'Thread; null for a trace without one.';
comment on column messages.trace_id is 'First trace of the turn.';
comment on column messages.turn_index is 'Turn, as in turns.';
comment on column messages.message_index is 'Position in the turn, from 0.';
comment on column messages.start_time_unix_nano is 'Start of the turn, in nanoseconds since 1970-01-01 UTC.';
comment on column messages.span_id is 'Span that shows the message.';
comment on column messages.role is 'user, assistant or tool. System prompts are in turns.system.';
comment on column messages.text is 'Words of the message, with [image] and the like for what is none.';
comment on column messages.parts is 'JSON list of parts: text, tool_call, tool_result, image and others; null for plain text.';
comment on column messages.tool_calls is 'JSON list of {id, name, arguments} that the assistant asked for; null without any.';
comment on column messages.tool_call_id is 'Which call a tool''s message answers.';

create table thread_facts (
    project varchar,
    thread_id varchar,
    thread_id_source varchar,
    first_activity_time timestamptz,
    last_activity_time timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    duration_ms double,
    turn_count bigint,
    trace_count bigint,
    span_count bigint,
    message_count bigint,
    error_count bigint,
    call_count bigint,
    first_sequence bigint,
    last_sequence bigint,
    last_trace_sequence bigint,
    last_trace_at timestamptz,
    first_message varchar,
    last_message varchar,
    models varchar[],
    providers varchar[],
    services varchar[],
    users varchar[],
    environments varchar[],
    tags varchar[],
    metadata map(varchar, varchar),
    input_tokens bigint,
    output_tokens bigint,
    total_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    input_audio_tokens bigint,
    output_audio_tokens bigint,
    cost_usd double,
    cost_source varchar,
    cost_is_partial boolean
);
comment on table thread_facts is 'Internal: threads without what depends on the time of day. Read threads instead.';
