-- Deletes the items of a data set.
-- $name: the data set. $version: one of its versions; null: all.
delete from evaluation_items
where dataset = $name and ($version is null or version = $version)
