-- How many items have scores in one of two runs alone.
with items as (
    select distinct evaluation_id, item_id, project from evaluation_results
    where evaluation_id in ($base, $candidate) and name is not null
),
sides as (
    select bool_or(evaluation_id = $base) as in_base, bool_or(evaluation_id = $candidate) as in_candidate
    from items group by item_id, project
)
select
    count(*) filter (in_base and not in_candidate) as only_in_base,
    count(*) filter (in_candidate and not in_base) as only_in_candidate
from sides
