-- Rules that all nodes of a lake have: each has commits of its own, and time in common.

alter table rules add column since_at timestamptz;
update rules set since_at = updated_at;
comment on column rules.since_at is 'When the rule began to judge: since_sequence as a time.';
