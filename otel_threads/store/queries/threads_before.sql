-- For each touched thread: how many turns start before the change, the last of them, and over how
-- many traces that one goes. Reads no content.
-- affected: (project, thread_id, first).
select
    a.project, a.thread_id, a.first,
    count(t.turn_index) as kept,
    max(t.start_time_unix_nano) as before,
    arg_max(len(t.trace_ids), t.start_time_unix_nano) as before_traces
from affected a
left join turns t
    on t.thread_id = a.thread_id and t.project = a.project and t.start_time_unix_nano < a.first
group by a.project, a.thread_id, a.first
