-- Which share of the stored rows of spans is not deleted: blocks hold the others until they are
-- rewritten.
select least(1.0, (select count(*) from spans) / greatest(1, (
    select sum(count) from pragma_storage_info('spans')
    where column_name = 'ingest_seq' and segment_type <> 'VALIDITY'
)))
