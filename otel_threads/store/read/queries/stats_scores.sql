-- Scores by name, over the mean of each item. `chosen` (the scores) is put before this.
select
    name, count(*) as count, avg(value) as avg, min(value) as min, max(value) as max
from (select name, avg(value) as value from chosen where value is not null
    group by name, project, thread_id, trace_id)
group by name
order by name
limit 1000
