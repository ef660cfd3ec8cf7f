-- Drops the entries that are summed up. shorter: what old_batches.sql made.
delete from lake.stored.lake_batches b using shorter s
where b.lake_node = s.lake_node and b.lake_batch = s.lake_batch
