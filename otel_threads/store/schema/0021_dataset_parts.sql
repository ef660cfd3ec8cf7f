-- A version of a data set may come in several calls; it is complete with the last.
alter table evaluation_datasets add column is_complete boolean;
update evaluation_datasets set is_complete = true;
comment on column evaluation_datasets.is_complete is 'Whether all of its items have come; from then on it never changes.';
comment on table evaluation_datasets is 'Versions of data sets of conversations; a version that is complete never changes.';
