-- What was written at readers of a lake and is applied here.

create table x_lake_edits (
    edit_id varchar,
    lake_unit varchar,
    lake_batch bigint,
    is_settled boolean
);
comment on table x_lake_edits is 'Internal: changes of readers that were applied here, and whether the lake has heard of it.';
