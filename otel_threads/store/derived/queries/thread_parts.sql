-- Which parts of turns the touched threads have from a time on, or between two. Reads no content.
-- cuts: (project, thread_id, cut, until), until may be null. $lowest: the smallest cut, for zone maps.
select p.project, p.thread_id, p.trace_id, p.part_index, p.start_time_unix_nano, p.continues
from x_turn_parts p
join cuts c on p.thread_id = c.thread_id and p.project = c.project
where p.start_time_unix_nano >= $lowest and p.start_time_unix_nano >= c.cut
    and (c.until is null or p.start_time_unix_nano < c.until)
