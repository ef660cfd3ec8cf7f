-- Long values of turns and messages in pieces, for the reason of step 7: their rows keep the beginning.

create table turn_pieces (
    project varchar,
    thread_id varchar,
    trace_id varchar,
    turn_index bigint,
    message_index bigint,
    start_time_unix_nano bigint,
    name varchar,
    piece_index integer,
    value varchar using compression zstd
);
comment on table turn_pieces is 'Values of turns and messages that are longer than 16 KiB, in pieces: string_agg(value, '''' order by piece_index).';
comment on column turn_pieces.project is 'Project.';
comment on column turn_pieces.thread_id is 'Thread; null for a trace without one.';
comment on column turn_pieces.trace_id is 'First trace of the turn.';
comment on column turn_pieces.turn_index is 'Which turn, as in turns.';
comment on column turn_pieces.message_index is 'Which message of the turn, as in messages; null for a value of the turn itself.';
comment on column turn_pieces.start_time_unix_nano is 'Start of the turn, in nanoseconds since 1970-01-01 UTC.';
comment on column turn_pieces.name is 'Column of turns or messages whose value it is.';
comment on column turn_pieces.piece_index is 'Which piece of the value, from 0.';
comment on column turn_pieces.value is 'A piece of the value.';

alter table turns add column is_cut boolean;
comment on column turns.is_cut is 'True where a value is longer than 16 KiB: texts keep their beginning, JSON is valid and shorter; whole in turn_pieces.';
alter table messages add column is_cut boolean;
comment on column messages.is_cut is 'True where a value is longer than 16 KiB: texts keep their beginning, JSON is valid and shorter; whole in turn_pieces.';

create view message_texts as
select project, thread_id, trace_id, turn_index, text from messages
union all
select project, thread_id, trace_id, turn_index, value as text from turn_pieces
where name = 'text' and piece_index > 0;
comment on view message_texts is 'To look for words in all that was said: a row a message, and more of one that is longer than 16 KiB.';
comment on column message_texts.project is 'Project.';
comment on column message_texts.thread_id is 'Thread; null for a trace without one.';
comment on column message_texts.trace_id is 'First trace of the turn.';
comment on column message_texts.turn_index is 'Which turn, as in turns.';
comment on column message_texts.text is 'Text of a message, or of a piece of it.';
