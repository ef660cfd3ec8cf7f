-- Which node has which trace, and of which thread. Gives places.
create or replace temp table places as
select distinct
    lake_node, trace_id,
    case when thread_id is not null then length(project) || ':' || project || thread_id end as unit
from alive_x_trace_slices
union
select distinct lake_node, trace_id, null from alive_traces
