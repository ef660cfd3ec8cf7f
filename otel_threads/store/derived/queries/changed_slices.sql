-- When the traces in work_ids ran in their threads until now, but for those made of log records.
-- work_ids: (trace_id).
select s.project, s.thread_id, s.trace_id, 0 as record_rank,
    s.start_time_unix_nano, s.end_time_unix_nano
from x_trace_slices s semi join work_ids w on s.trace_id = w.trace_id
where s.thread_id is not null and s.trace_id not in (select trace_id from x_record_traces)
