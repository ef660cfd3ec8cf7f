-- What senders sent, losslessly, append only and in arrival order.
-- No keys and no indexes: at ten million rows they make inserts 4-9 times slower, and time bounds
-- find a trace as fast through zone maps (docs/store.md).

create table spans (
    ingest_seq bigint,
    received_at timestamptz,
    project varchar,
    trace_id varchar,
    span_id varchar,
    parent_span_id varchar,
    flags bigint,
    name varchar,
    kind varchar,
    start_time timestamptz,
    start_time_unix_nano bigint,
    end_time_unix_nano bigint,
    duration_ms double,
    status_code varchar,
    status_message varchar,
    attributes map(varchar, varchar),
    attribute_types varchar,
    service_name varchar,
    resource_attributes map(varchar, varchar),
    resource_attribute_types varchar,
    scope_name varchar,
    scope_version varchar,
    extras varchar
);
comment on table spans is 'Every span as it was received, one row each, in arrival order.';
comment on column spans.ingest_seq is 'Number of the commit that stored the span; grows with arrival.';
comment on column spans.received_at is 'When the server received the span.';
comment on column spans.project is 'Namespace: from the span, its resource, the request, or the default.';
comment on column spans.trace_id is 'Trace id, 32 lower-case hex digits.';
comment on column spans.span_id is 'Span id, 16 lower-case hex digits; unique within its trace.';
comment on column spans.parent_span_id is 'Span id of the parent; null for a root span.';
comment on column spans.flags is 'W3C trace flags and the remote-parent bits, as sent.';
comment on column spans.name is 'Name of the operation.';
comment on column spans.kind is 'OTLP span kind: unspecified, internal, server, client, producer, consumer.';
comment on column spans.start_time is 'Start, to the microsecond.';
comment on column spans.start_time_unix_nano is 'Start, in nanoseconds since 1970-01-01 UTC.';
comment on column spans.end_time_unix_nano is 'End, in nanoseconds since 1970-01-01 UTC.';
comment on column spans.duration_ms is 'End minus start; negative when the sender''s clock stepped back.';
comment on column spans.status_code is 'unset, ok or error.';
comment on column spans.status_message is 'Text of the status.';
comment on column spans.attributes is 'Attributes as text: attributes[''gen_ai.system'']. Values of 257 bytes and more are null here and in span_content.';
comment on column spans.attribute_types is 'One letter per attribute, in order: s string, i int, d double, b bool, y bytes (base64), j JSON, v OTLP JSON, n none.';
comment on column spans.service_name is 'Resource attribute service.name.';
comment on column spans.resource_attributes is 'Attributes of the resource, as text.';
comment on column spans.resource_attribute_types is 'Their letters, as in attribute_types.';
comment on column spans.scope_name is 'Instrumentation scope: usually the library that made the span.';
comment on column spans.scope_version is 'Version of the instrumentation scope.';
comment on column spans.extras is 'JSON of what is rarely set: trace_state, dropped counts, schema URLs, entity references (base64), scope_attributes as {key: [text, letter]}; null when nothing of it is.';

create table span_events (
    ingest_seq bigint,
    project varchar,
    trace_id varchar,
    span_id varchar,
    start_time timestamptz,
    event_index integer,
    name varchar,
    time_unix_nano bigint,
    attributes map(varchar, varchar),
    attribute_types varchar,
    dropped_attributes_count bigint
);
comment on table span_events is 'Events of spans: exceptions, stream chunks, messages of older conventions.';
comment on column span_events.ingest_seq is 'Number of the commit, as in spans.';
comment on column span_events.project is 'Project of the span.';
comment on column span_events.trace_id is 'Trace id of the span.';
comment on column span_events.span_id is 'Span id of the span.';
comment on column span_events.start_time is 'Start of the span: bound it, and the lookup is fast.';
comment on column span_events.event_index is 'Position among the events of the span, from 0.';
comment on column span_events.name is 'Name of the event, such as exception.';
comment on column span_events.time_unix_nano is 'Time of the event, in nanoseconds since 1970-01-01 UTC.';
comment on column span_events.attributes is 'Attributes as text; values of 257 bytes and more are null here and in span_content.';
comment on column span_events.attribute_types is 'Their letters, as in spans.attribute_types.';
comment on column span_events.dropped_attributes_count is 'Attributes that the sender dropped.';

create table span_links (
    ingest_seq bigint,
    project varchar,
    trace_id varchar,
    span_id varchar,
    start_time timestamptz,
    link_index integer,
    linked_trace_id varchar,
    linked_span_id varchar,
    trace_state varchar,
    attributes map(varchar, varchar),
    attribute_types varchar,
    dropped_attributes_count bigint,
    flags bigint
);
comment on table span_links is 'Links from spans to spans of other traces.';
comment on column span_links.ingest_seq is 'Number of the commit, as in spans.';
comment on column span_links.project is 'Project of the span.';
comment on column span_links.trace_id is 'Trace id of the span.';
comment on column span_links.span_id is 'Span id of the span.';
comment on column span_links.start_time is 'Start of the span: bound it, and the lookup is fast.';
comment on column span_links.link_index is 'Position among the links of the span, from 0.';
comment on column span_links.linked_trace_id is 'Trace that is linked to.';
comment on column span_links.linked_span_id is 'Span that is linked to.';
comment on column span_links.trace_state is 'W3C tracestate of the linked span.';
comment on column span_links.attributes is 'Attributes as text, whatever their length.';
comment on column span_links.attribute_types is 'Their letters, as in spans.attribute_types.';
comment on column span_links.dropped_attributes_count is 'Attributes that the sender dropped.';
comment on column span_links.flags is 'W3C trace flags of the linked span.';

create table span_content (
    ingest_seq bigint,
    project varchar,
    trace_id varchar,
    span_id varchar,
    start_time timestamptz,
    event_index integer,
    key varchar,
    value varchar using compression zstd
);
comment on table span_content is 'Attribute values of 257 bytes and more: prompts, completions, documents, stack traces.';
comment on column span_content.ingest_seq is 'Number of the commit, as in spans.';
comment on column span_content.project is 'Project of the span.';
comment on column span_content.trace_id is 'Trace id of the span.';
comment on column span_content.span_id is 'Span id of the span.';
comment on column span_content.start_time is 'Start of the span: bound it, and the lookup is fast.';
comment on column span_content.event_index is 'Which event of the span holds the value; null for an attribute of the span.';
comment on column span_content.key is 'Attribute key.';
comment on column span_content.value is 'The value, as text.';

create table log_records (
    ingest_seq bigint,
    received_at timestamptz,
    project varchar,
    trace_id varchar,
    span_id varchar,
    event_name varchar,
    time timestamptz,
    time_unix_nano bigint,
    observed_time_unix_nano bigint,
    severity_number bigint,
    severity_text varchar,
    body varchar using compression zstd,
    body_type varchar,
    attributes map(varchar, varchar),
    attribute_types varchar,
    dropped_attributes_count bigint,
    flags bigint,
    service_name varchar,
    resource_attributes map(varchar, varchar),
    resource_attribute_types varchar,
    scope_name varchar,
    scope_version varchar,
    fingerprint varchar
);
comment on table log_records is 'Log records with a GenAI event name: messages and evaluations that belong to spans.';
comment on column log_records.ingest_seq is 'Number of the commit that stored the record.';
comment on column log_records.received_at is 'When the server received the record.';
comment on column log_records.project is 'Namespace, as in spans.';
comment on column log_records.trace_id is 'Trace id of the span that the record belongs to; null when it names none.';
comment on column log_records.span_id is 'Span id of that span; null when it names none.';
comment on column log_records.event_name is 'Event name, such as gen_ai.user.message.';
comment on column log_records.time is 'Time of the event, to the microsecond.';
comment on column log_records.time_unix_nano is 'Time of the event, else when it was observed, in nanoseconds since 1970-01-01 UTC.';
comment on column log_records.observed_time_unix_nano is 'When the collection system saw it, in nanoseconds since 1970-01-01 UTC.';
comment on column log_records.severity_number is 'OTLP severity number.';
comment on column log_records.severity_text is 'Severity as the sender wrote it.';
comment on column log_records.body is 'Body as text; structure as JSON.';
comment on column log_records.body_type is 'Letter of the body, as in spans.attribute_types.';
comment on column log_records.attributes is 'Attributes as text, whatever their length.';
comment on column log_records.attribute_types is 'Their letters, as in spans.attribute_types.';
comment on column log_records.dropped_attributes_count is 'Attributes that the sender dropped.';
comment on column log_records.flags is 'W3C trace flags.';
comment on column log_records.service_name is 'Resource attribute service.name.';
comment on column log_records.resource_attributes is 'Attributes of the resource, as text.';
comment on column log_records.resource_attribute_types is 'Their letters.';
comment on column log_records.scope_name is 'Instrumentation scope.';
comment on column log_records.scope_version is 'Version of the instrumentation scope.';
comment on column log_records.fingerprint is 'Hash of the whole record: a record sent twice is stored once.';
