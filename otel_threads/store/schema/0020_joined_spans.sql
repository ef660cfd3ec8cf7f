-- Spans of OTLP that belong to a trace of an SDK's records get the ids that they have there.

create table x_joined_spans (
    project varchar,
    trace_id varchar,
    span_id varchar,
    start_time_unix_nano bigint,
    sent_trace_id varchar,
    sent_span_id varchar
);
comment on table x_joined_spans is 'Internal: spans of OTLP that were sent under other ids than they have: what comes later of them, and below them, is found by it.';
comment on column x_joined_spans.project is 'Project of the span.';
comment on column x_joined_spans.trace_id is 'Trace id that the span has.';
comment on column x_joined_spans.span_id is 'Span id that it has.';
comment on column x_joined_spans.start_time_unix_nano is 'Start of the span.';
comment on column x_joined_spans.sent_trace_id is 'Trace id that it was sent under.';
comment on column x_joined_spans.sent_span_id is 'Span id that it was sent under.';
