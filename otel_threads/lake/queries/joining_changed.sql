-- Units of which nodes have shipped something new. news: what joining_news.sql made. Gives changed.
create or replace temp table changed as
select distinct unit from (
    select t.lake_unit as unit from lake.stored.x_trace_slices t join news n
        on n.lake_node = t.lake_node and t.lake_batch > n.after
    union all
    select t.lake_unit from lake.stored.spans t join news n
        on n.lake_node = t.lake_node and t.lake_batch > n.after
    union all
    select t.lake_unit from lake.stored.lake_dead t join news n
        on n.lake_node = t.lake_node and t.lake_batch > n.after and t.kind <> 'said'
    union all  -- a record whose span another node has
    select s.trace_id from lake.stored.x_sdk_records t join news n
        on n.lake_node = t.lake_node and t.lake_batch > n.after
        join lake.stored.spans s on s.record_id = t.lake_unit
)
