-- Long values of SDKs' records, of what is folded from them, and of log records are texts of chains
-- (store/spans/texts.py).

alter table x_sdk_record_chunks add column chain_id bigint;
alter table x_sdk_record_chunks add column chain_row integer;
alter table x_sdk_record_chunks add column chain_chars bigint;
comment on table x_sdk_record_chunks is 'Internal: bodies of x_sdk_records that are long or share something, in pieces.';
comment on column x_sdk_record_chunks.value is 'The piece; null for one that is a text of a chain in x_content_chunks.';
comment on column x_sdk_record_chunks.chain_id is 'The chain of which the piece is the text, as in x_content_chunks.';
comment on column x_sdk_record_chunks.chain_row is 'After which row of the chain.';
comment on column x_sdk_record_chunks.chain_chars is 'How many characters the piece has.';
comment on column x_content_chunks.span_id is 'Span id; empty where no span has such a value (any more) and others begin with it, or records have it.';

create table x_log_references (
    ingest_seq bigint,
    project varchar,
    trace_id varchar,
    span_id varchar,
    fingerprint varchar,
    key varchar,
    chain_id bigint,
    chain_row integer,
    chain_chars bigint
);
comment on table x_log_references is 'Internal: long bodies and attribute values of log records that are texts of chains in x_content_chunks. Read log_pieces instead.';
comment on column x_log_references.ingest_seq is 'Number of the commit, as in log_records.';
comment on column x_log_references.project is 'Project of the log record.';
comment on column x_log_references.trace_id is 'Trace id of the log record.';
comment on column x_log_references.span_id is 'Span id of the log record.';
comment on column x_log_references.fingerprint is 'Which log record of the project.';
comment on column x_log_references.key is 'Attribute key; null for the body.';
comment on column x_log_references.chain_id is 'The chain of which the value is the text.';
comment on column x_log_references.chain_row is 'After which row of the chain.';
comment on column x_log_references.chain_chars is 'How many characters the value has.';

drop view log_pieces;
create view log_pieces as
select
    ingest_seq, project, trace_id, span_id, fingerprint, key, chunk_index as piece_index, value
from x_log_chunks
union all
select
    ingest_seq, project, trace_id, span_id, fingerprint, key, 0 as piece_index,
    string_agg(substring(own, 1, chars), '' order by chain_row, chain_chars) filter (chars > 0) as value
from (
    select
        v.*, c.chain_row, c.chain_chars, c.value as own,
        least(v.value_chars, min(c.chain_chars) over (
            partition by v.project, v.trace_id, v.span_id, v.fingerprint, v.key
            order by c.chain_row, c.chain_chars rows between 1 following and unbounded following
        )) - c.chain_chars as chars
    from (
        select
            ingest_seq, project, trace_id, span_id, fingerprint, key, chain_id,
            chain_row as last_row, chain_chars as value_chars
        from x_log_references
    ) v
    join x_content_chunks c on c.chain_id = v.chain_id and c.chain_row <= v.last_row
)
group by ingest_seq, project, trace_id, span_id, fingerprint, key;
comment on view log_pieces is 'Bodies and attribute values of log records that are longer than 16 KiB (null there), in pieces: string_agg(value, '''' order by piece_index).';
comment on column log_pieces.ingest_seq is 'Number of the commit, as in log_records.';
comment on column log_pieces.project is 'Project of the log record.';
comment on column log_pieces.trace_id is 'Trace id of the log record.';
comment on column log_pieces.span_id is 'Span id of the log record.';
comment on column log_pieces.fingerprint is 'Which log record of the project.';
comment on column log_pieces.key is 'Attribute key; null for the body.';
comment on column log_pieces.piece_index is 'Which piece of the value, from 0.';
comment on column log_pieces.value is 'A piece of the value, as text; the whole where it shares something.';
