-- Keeps how far the owner has looked last at each node.
delete from lake.stored.lake_positions p where p.lake_batch <
    (select max(q.lake_batch) from lake.stored.lake_positions q where q.lake_node = p.lake_node)
