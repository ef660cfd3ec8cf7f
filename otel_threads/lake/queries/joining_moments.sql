-- The times at which something was received, numbered: commits of the file that is derived.
-- kept, records: what the other files made. Gives moments.
create or replace temp table moments as
select came_us, row_number() over (order by came_us) as place
from (select came_us from kept union select came_us from records)
