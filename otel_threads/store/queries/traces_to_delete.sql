-- Traces by id, in one project or in all: (project, trace_id, earliest start).
-- items: (id).
select s.project, s.trace_id, min(s.start_time_unix_nano)
from x_trace_slices s join items i on i.id = s.trace_id
where $project is null or s.project = $project
group by s.project, s.trace_id
