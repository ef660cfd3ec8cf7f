-- The content of the parts that some threads have between two times, in chunks and in no order.
-- wanted: (project, thread_id, first, last). work_ids: (trace_id), left out. $last: the largest last.
with needed as (
    select distinct s.project, s.trace_id
    from x_trace_slices s
    join wanted w on s.thread_id = w.thread_id and s.project = w.project
    where s.start_time_unix_nano <= $last
        and s.start_time_unix_nano <= w.last and s.end_time_unix_nano >= w.first
        and s.trace_id not in (select trace_id from work_ids)
)
select p.trace_id, p.part_index, p.chunk_index, p.payload
from x_part_payloads p
semi join needed n on p.trace_id = n.trace_id and p.project = n.project
where p.start_time_unix_nano <= $last
