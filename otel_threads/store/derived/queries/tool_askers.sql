-- Traces of a thread that asked for some tool calls.
-- wanted: (project, tool_call_id). $first, $last: bound their start. work_ids: (trace_id), those that are
-- being replaced.
select l.*
from x_tool_links l
semi join wanted w on l.tool_call_id = w.tool_call_id and l.project = w.project
where not l.is_answer and l.start_time_unix_nano >= $first and l.start_time_unix_nano <= $last
    and l.trace_id not in (select trace_id from work_ids)
