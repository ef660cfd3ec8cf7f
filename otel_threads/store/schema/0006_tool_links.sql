-- Traces without an id that bring the result of a tool: which thread asked for it.

create table tool_links (
    project varchar,
    trace_id varchar,
    start_time_unix_nano bigint,
    thread_id varchar,
    tool_call_id varchar,
    is_answer boolean,
    turn_key varchar
);
comment on table tool_links is 'Internal: tool calls that a trace of a thread leaves open, and results that a trace without an id brings.';

create table traces_again (trace_id varchar);
comment on table traces_again is 'Internal: traces to be derived again, because another one changed.';
comment on column traces_again.trace_id is 'Trace id.';
comment on column tool_links.project is 'Project of the trace.';
comment on column tool_links.trace_id is 'Trace that asked for the tool, or that begins with its result.';
comment on column tool_links.start_time_unix_nano is 'Start of its part of the turn, in nanoseconds since 1970-01-01 UTC.';
comment on column tool_links.thread_id is 'Thread of the trace; null where it has none.';
comment on column tool_links.tool_call_id is 'Id that the model gave to the tool call.';
comment on column tool_links.is_answer is 'Whether the trace brings the result; else it asked.';
comment on column tool_links.turn_key is 'What requests of one turn have in common; null where the provider keeps the history.';
