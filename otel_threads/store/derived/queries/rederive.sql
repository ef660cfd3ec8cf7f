-- Note the traces that bring a result whose asking has changed.
-- changed: (project, tool_call_id). work_ids: (trace_id), those that take the change into account already.
-- $first: when the earliest of these askings began.
insert into x_traces_to_rederive
select distinct l.trace_id
from x_tool_links l
semi join changed c on l.tool_call_id = c.tool_call_id and l.project = c.project
where l.is_answer and l.start_time_unix_nano >= $first
    and l.trace_id not in (select trace_id from work_ids)
    and l.trace_id not in (select trace_id from x_traces_to_rederive)
