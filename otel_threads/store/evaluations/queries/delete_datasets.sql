-- Deletes versions of a data set.
-- $name: the data set. $version: one of them, which goes only while it is incomplete; null: all.
delete from evaluation_datasets
where name = $name and ($version is null or version = $version and not is_complete)
