-- Parts of turns of the touched threads, from where they are made again.
-- cuts: (project, thread_id, cut).
select p.project, p.thread_id, p.payload
from turn_parts p
join cuts c on p.thread_id = c.thread_id and p.project = c.project
where p.start_time_unix_nano >= c.cut
