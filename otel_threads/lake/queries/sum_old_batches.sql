-- One entry a node and table for all rows of old batches: those up to the entry's own.
-- shorter: what old_batches.sql made.
insert into lake.stored.lake_batches by name
select
    s.lake_node, n.upto as lake_batch, s.table_name, any_value(s.node_name) as node_name,
    max(s.sequence) as sequence, sum(s.row_count)::bigint as row_count,
    sum(s.checksum)::decimal(38, 0) as checksum, s.engine, max(s.shipped_at) as shipped_at,
    true as is_sum
from shorter s
join (select lake_node, max(lake_batch) as upto from shorter group by lake_node) n
    on n.lake_node = s.lake_node
where s.table_name <> ''
group by s.lake_node, n.upto, s.table_name, s.engine
having sum(s.row_count) <> 0 or sum(s.checksum) <> 0
