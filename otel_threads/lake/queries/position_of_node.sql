-- The last batch that the lake has of a node, how far it goes, and when it came. $node: which.
select coalesce(max(lake_batch), 0), coalesce(max(sequence), 0), max(shipped_at)
from lake.stored.lake_batches where lake_node = $node
