-- Traces of some threads of a project: (thread_id, project, trace_id, earliest start).
-- items: (id).
select s.thread_id, s.project, s.trace_id, min(o.start_time_unix_nano)
from x_trace_slices s
join items i on i.id = s.thread_id
join x_trace_slices o on o.trace_id = s.trace_id and o.project = s.project
where s.project = $project
group by s.thread_id, s.project, s.trace_id
