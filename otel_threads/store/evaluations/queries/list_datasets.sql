-- Versions of data sets: the newest of each, or with $name all of one, the newest first.
select name, version, item_count, source, created_at, author from evaluation_datasets
where $name is null or name = $name
qualify $name is not null or row_number() over (partition by name order by version desc) = 1
order by name, version desc
limit 1000
