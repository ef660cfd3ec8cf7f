-- What each node has shipped since its rows were joined the last time. Gives news.
create or replace temp table news as
with positions as (
    select lake_node, max(lake_batch) as lake_batch from lake.stored.lake_positions group by all
)
select b.lake_node, max(b.lake_batch) as upto, coalesce(any_value(p.lake_batch), 0) as after
from lake.stored.lake_batches b left join positions p on p.lake_node = b.lake_node
where b.table_name = '' and b.lake_node not in ('joined', 'readers')
group by b.lake_node having max(b.lake_batch) > coalesce(any_value(p.lake_batch), 0)
