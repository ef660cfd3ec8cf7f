-- What SDKs of other products send: records that come in parts, in any order, and again. Raw, append
-- only, in the commit sequence of spans. What all records of one id add up to is a row of spans.

create table x_sdk_records (
    ingest_seq bigint,
    place integer,
    received_unix_nano bigint,
    vendor varchar,
    entity varchar,
    op varchar,
    record_id uuid,
    trace_record_id varchar,
    project varchar,
    stamp_unix_nano bigint,
    body_hash ubigint,
    size_bytes bigint,
    body varchar using compression zstd
);
comment on table x_sdk_records is 'Internal: what SDKs of other products sent, one row an item, in arrival order. Folded, it is in spans.';
comment on column x_sdk_records.ingest_seq is 'Number of the commit that stored the record, as in spans.';
comment on column x_sdk_records.place is 'Place in the commit, from 0.';
comment on column x_sdk_records.received_unix_nano is 'When the server received it, in nanoseconds since 1970-01-01 UTC.';
comment on column x_sdk_records.vendor is 'Whose SDK sent it.';
comment on column x_sdk_records.entity is 'What it is of: trace, span, run.';
comment on column x_sdk_records.op is 'put: it may have all fields; patch: it has some; delete: what came before counts no more.';
comment on column x_sdk_records.record_id is 'Id of the trace, span or run.';
comment on column x_sdk_records.trace_record_id is 'Id of its trace, as the SDK sent it.';
comment on column x_sdk_records.project is 'Project; null when the record does not tell it.';
comment on column x_sdk_records.stamp_unix_nano is 'When it was made by the sender''s clock: orders puts of one id.';
comment on column x_sdk_records.body_hash is 'Hash of the body: a record sent twice in a row is stored once.';
comment on column x_sdk_records.size_bytes is 'Bytes of the body.';
comment on column x_sdk_records.body is 'The item as received: the JSON text of one object; null where it is longer than 16 KiB and in x_sdk_record_chunks.';

create table x_sdk_record_chunks (
    ingest_seq bigint,
    place integer,
    record_id uuid,
    chunk_index integer,
    value varchar using compression zstd
);
comment on table x_sdk_record_chunks is 'Internal: long bodies of x_sdk_records, in chunks of 16 KiB.';
comment on column x_sdk_record_chunks.ingest_seq is 'Number of the commit, as in x_sdk_records.';
comment on column x_sdk_record_chunks.place is 'Place in the commit, as in x_sdk_records.';
comment on column x_sdk_record_chunks.record_id is 'Id of the record.';
comment on column x_sdk_record_chunks.chunk_index is 'Which chunk of the body, from 0.';
comment on column x_sdk_record_chunks.value is 'The chunk.';

alter table spans add column record_id varchar;
comment on column spans.record_id is 'Id that an SDK gave the trace, span or run that the row was folded from; null for a span of OTLP.';

alter table x_derive_state add column folded_sequence bigint;
update x_derive_state set folded_sequence = 0;
comment on column x_derive_state.folded_sequence is 'The last x_sdk_records.ingest_seq that is folded into spans.';
