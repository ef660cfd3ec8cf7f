-- Entries of batches that are not their node's newest and were shipped before a time. Gives shorter.
-- $before: the time.
create or replace temp table shorter as
select b.*
from lake.stored.lake_batches b
where b.lake_batch < (
    select max(n.lake_batch) from lake.stored.lake_batches n
    where n.lake_node = b.lake_node and n.table_name = ''
)
qualify coalesce(max(b.shipped_at) over (partition by b.lake_node, b.lake_batch) < $before, true)
