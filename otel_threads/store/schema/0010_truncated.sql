-- Turns whose sender cut what it tells, by a limit on the length or the number of attributes.

alter table turns add column is_truncated boolean;
comment on column turns.is_truncated is 'True where limits of the sender cut texts or dropped attributes of the turn: what is shown is a beginning.';
