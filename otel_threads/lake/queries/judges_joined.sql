-- Whether there is anything that the owner's rules could judge: rules, and threads of several nodes.
select
    exists (select 1 from lake.stored.rules)
    and exists (
        select 1 from lake.stored.lake_joined where kind = 'derived' and contains(lake_unit, ':')
    )
