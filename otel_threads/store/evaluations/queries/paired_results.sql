-- Scores that two runs have of the same items: numbers, and each category as 1 or 0.
-- A scorer that gave one item several scores of a name counts with their mean.
with numbers as (
    select
        evaluation_id, item_id, any_value(project) as project, any_value(thread_id) as thread_id, name,
        avg(value) as value
    from evaluation_results
    where evaluation_id in ($base, $candidate) and name is not null and value is not null
    group by evaluation_id, item_id, name
),
labels as (
    select evaluation_id, item_id, project, thread_id, name, category
    from evaluation_results
    where evaluation_id in ($base, $candidate) and name is not null and value is null
        and category is not null
),
names as (select distinct name, category from labels),
yes_no as (
    select
        l.evaluation_id, l.item_id, any_value(l.project) as project,
        any_value(l.thread_id) as thread_id, n.name || ': ' || n.category as name,
        max((l.category = n.category)::int)::double as value
    from labels l join names n using (name)
    group by l.evaluation_id, l.item_id, n.name, n.category
),
every as (select * from numbers union all select * from yes_no)
select b.name, b.item_id, b.project, b.thread_id, b.value as base, c.value as candidate
from every b join every c on c.name = b.name and c.item_id = b.item_id
    and c.project is not distinct from b.project
where b.evaluation_id = $base and c.evaluation_id = $candidate
order by b.name, b.item_id, b.project
