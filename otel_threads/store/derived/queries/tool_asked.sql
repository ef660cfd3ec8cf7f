-- What some traces asked of tools, as it was. work_ids: (trace_id). $first, $last: as in touched_threads.sql.
select l.*
from x_tool_links l semi join work_ids w on l.trace_id = w.trace_id
where not is_answer
    and start_time_unix_nano >= $first and ($last is null or start_time_unix_nano <= $last)
