-- A long value that begins as an earlier one did keeps what it adds alone (store/spans/chains.py).

drop view span_content;

alter table x_content_chunks add column chain_id bigint;
alter table x_content_chunks add column chain_row integer;
alter table x_content_chunks add column chain_chars bigint;
comment on column x_content_chunks.span_id is 'Span id; empty where the span has no such value any more and others begin with it.';
comment on column x_content_chunks.chain_id is 'Text that grows, of which the value is a state: number of the first commit, times 2^20, and a count. Null for a value that shares nothing.';
comment on column x_content_chunks.chain_row is 'Which row of the chain, from 0.';
comment on column x_content_chunks.chain_chars is 'How many characters of the chain''s text before it the row keeps; its own text comes after them.';

-- A value of a chain is its rows up to the value's last one, each cut where a later one begins.
create view span_content as
select ingest_seq, project, trace_id, span_id, start_time, event_index, key, value
from x_content_chunks where chunk_index is null and chain_id is null
union all
select
    ingest_seq, project, trace_id, span_id, start_time, event_index, key,
    string_agg(value, '' order by chunk_index) as value
from x_content_chunks where chunk_index is not null and chain_id is null
group by ingest_seq, project, trace_id, span_id, start_time, event_index, key
union all
select
    ingest_seq, project, trace_id, span_id, start_time, event_index, key,
    coalesce(string_agg(substring(own, 1, chars), '' order by chain_row) filter (chars > 0), '') as value
from (
    select
        v.*, c.chain_row, c.value as own,
        coalesce(
            min(c.chain_chars) over (
                partition by v.chain_id, v.last_row, v.trace_id, v.span_id, v.event_index, v.key, v.project
                order by c.chain_row rows between 1 following and unbounded following
            ) - c.chain_chars,
            length(c.value)
        ) as chars
    from (
        select
            max(ingest_seq) as ingest_seq, project, trace_id, span_id, start_time, event_index, key,
            chain_id, max(chain_row) as last_row
        from x_content_chunks where chain_id is not null and span_id <> ''
        group by project, trace_id, span_id, start_time, event_index, key, chain_id
    ) v
    join x_content_chunks c on c.chain_id = v.chain_id and c.chain_row <= v.last_row
)
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
