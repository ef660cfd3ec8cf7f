-- How many changes wait for nodes, when the one was made that so many newer ones leave over, and when
-- the oldest. $most: how many.
select
    count(*),
    (select edited_at from lake.stored.lake_edits order by edited_at desc offset $most limit 1),
    min(edited_at)
from lake.stored.lake_edits
