-- Very long values in pieces: DuckDB takes 2,048 values of a column at once, whatever their size, and
-- gives the database up where these do not fit in its memory.

alter table span_content rename to content_pieces;
alter table content_pieces add column piece_index integer;
comment on table content_pieces is 'Internal: long attribute values, in pieces of 16 KiB. Read span_content instead.';
comment on column content_pieces.value is 'The value, as text, or a piece of it.';
comment on column content_pieces.piece_index is 'Which piece of the value, from 0; null for a whole one.';

create view span_content as
select ingest_seq, project, trace_id, span_id, start_time, event_index, key, value
from content_pieces where piece_index is null
union all
select
    ingest_seq, project, trace_id, span_id, start_time, event_index, key,
    string_agg(value, '' order by piece_index) as value
from content_pieces where piece_index is not null
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

create table part_payloads (
    project varchar,
    trace_id varchar,
    part_index bigint,
    start_time_unix_nano bigint,
    piece_index integer,
    payload varchar using compression zstd
);
comment on table part_payloads is 'Internal: the parts of turns as JSON, in pieces of 16 KiB. Read turns and messages instead.';
comment on column part_payloads.project is 'Project.';
comment on column part_payloads.trace_id is 'Trace id.';
comment on column part_payloads.part_index is 'Which part of a turn in its trace, as in turn_parts.';
comment on column part_payloads.start_time_unix_nano is 'Start of the part, in nanoseconds since 1970-01-01 UTC.';
comment on column part_payloads.piece_index is 'Which piece of the JSON, from 0.';
comment on column part_payloads.payload is 'A piece of the JSON.';

create table log_pieces (
    ingest_seq bigint,
    project varchar,
    trace_id varchar,
    span_id varchar,
    fingerprint varchar,
    key varchar,
    piece_index integer,
    value varchar using compression zstd
);
comment on table log_pieces is 'Bodies and attribute values of log records that are longer than 16 KiB (null there), in pieces: string_agg(value, '''' order by piece_index).';
comment on column log_pieces.ingest_seq is 'Number of the commit, as in log_records.';
comment on column log_pieces.project is 'Project of the log record.';
comment on column log_pieces.trace_id is 'Trace id of the log record.';
comment on column log_pieces.span_id is 'Span id of the log record.';
comment on column log_pieces.fingerprint is 'Which log record of the project.';
comment on column log_pieces.key is 'Attribute key; null for the body.';
comment on column log_pieces.piece_index is 'Which piece of the value, from 0.';
comment on column log_pieces.value is 'A piece of the value, as text.';
comment on column log_records.body is 'Body as text; structure as JSON. One of more than 16 KiB is null here and in log_pieces.';
comment on column log_records.attributes is 'Attributes as text; values of more than 16 KiB are null here and in log_pieces.';
