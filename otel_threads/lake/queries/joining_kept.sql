-- Of a span that several nodes have, the most complete counts, as on one node.
-- wanted: traces that are derived. Gives kept.
create or replace temp table kept as
select t.lake_node, t.project, t.trace_id, t.span_id, t.record_id, epoch_us(t.received_at) as came_us
from alive_spans t semi join wanted w on w.unit = t.trace_id
where t.lake_node <> 'joined'
qualify row_number() over (
    partition by t.project, t.trace_id, t.span_id
    order by t.end_time_unix_nano desc, cardinality(t.attributes) desc, t.received_at, t.lake_node
) = 1
