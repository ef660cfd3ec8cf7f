-- What a node has changed and not shipped to the lake yet. Empty where no lake is set.

create table x_outbox (
    entry bigint,
    kind varchar,
    project varchar,
    id varchar,
    sequence bigint
);
comment on table x_outbox is 'Internal: what changed and was not shipped to the lake yet.';

create table x_lake_state (
    node_id varchar,
    former_ids varchar[],
    is_complete boolean,
    batch bigint,
    sequence bigint
);
comment on table x_lake_state is 'Internal: this file''s name in the lake, whether the outbox has all changes since it got it, and the last batch.';
