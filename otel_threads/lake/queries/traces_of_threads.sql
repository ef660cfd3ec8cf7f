-- Traces that have no part in any thread but some that are deleted. Gives old_traces.
-- old_threads: (project, thread_id).
create or replace temp table old_traces as
select trace_id as unit
from lake.x_trace_slices where thread_id is not null group by trace_id
having bool_and((project, thread_id) in (select (project, thread_id) from old_threads))
