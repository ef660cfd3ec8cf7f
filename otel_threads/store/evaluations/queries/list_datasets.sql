-- Versions of data sets: the newest complete one of each, or with $name all of one, the newest first.
select name, version, item_count, source, created_at, author, is_complete from evaluation_datasets
where $name is null and is_complete or name = $name
qualify $name is not null or row_number() over (partition by name order by version desc) = 1
order by name, version desc
limit 1000
