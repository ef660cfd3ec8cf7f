-- A row where the key of anything in the lake holds a NUL.
select 1 from lake.stored.x_thread_facts where contains(lake_unit, chr(0))
union all
select 1 from lake.stored.lake_dead where contains(lake_unit, chr(0))
union all
select 1 from lake.stored.lake_joined where contains(lake_unit, chr(0))
limit 1
