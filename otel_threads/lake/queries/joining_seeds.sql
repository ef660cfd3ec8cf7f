-- Traces and threads that have to be derived with what other nodes have: to begin with.
-- changed, places, links: what the other files made. Gives seeds.
create or replace temp table seeds as
with near as (
    select unit from changed
    union select p.unit from places p semi join changed c on c.unit = p.trace_id
        where p.unit is not null
),
facts as (
    select lake_node, trace_count, length(project) || ':' || project || thread_id as unit
    from alive_x_thread_facts where lake_node <> 'joined'
),
shared as (
    select trace_id as unit from places group by trace_id
        having count(distinct lake_node) filter (lake_node <> 'joined') > 1
    union
    select unit from places where unit is not null group by unit
        having count(distinct lake_node) filter (lake_node <> 'joined') > 1
    union
    select lake_unit from lake.stored.lake_joined where kind = 'derived'
    union
    select a.trace_id from links a join links b
        on a.call = b.call and a.is_answer <> b.is_answer and a.lake_node <> b.lake_node
    union
    select unit from facts group by unit having count(*) > 1
    union  -- the node has pruned some of its traces, which the lake has still
    select f.unit from facts f
        join (select lake_node, unit, count(distinct trace_id) as traces from places group by all) p
        on p.lake_node = f.lake_node and p.unit = f.unit
        where p.traces > f.trace_count
    union  -- records of what is one span came to several nodes
    select s.trace_id from alive_spans s semi join near n on n.unit = s.trace_id
        join alive_x_sdk_records r
        on r.lake_unit = s.record_id and r.lake_node <> s.lake_node
        where s.lake_node <> 'joined'
)
select unit from near semi join shared using (unit)
