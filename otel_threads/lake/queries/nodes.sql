-- How far each node has shipped, by name.
select
    lake_node, arg_max(node_name, lake_batch) filter (node_name is not null), max(lake_batch),
    max(sequence), max(shipped_at)
from lake.stored.lake_batches where lake_node <> 'readers'
group by lake_node order by 2, 1
