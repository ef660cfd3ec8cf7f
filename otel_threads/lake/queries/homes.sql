-- Which of some threads are joined, and of which the owner has looked at all that this node has.
-- asked: (project, thread_id, lake_unit, trace_sequence). $node: this node's name in the lake.
with p as (
    select coalesce(max(lake_batch), 0) as upto
    from lake.stored.lake_positions where lake_node = $node
)
select
    a.project, a.thread_id,
    a.lake_unit in (select lake_unit from lake.stored.lake_joined where kind = 'derived') as is_joined,
    exists (
        select 1 from lake.stored.x_thread_facts f
        where f.lake_unit = a.lake_unit and f.lake_node = $node
            and f.last_trace_sequence >= a.trace_sequence
            and f.lake_batch <= (select upto from p)
    ) as is_looked_at
from asked a
