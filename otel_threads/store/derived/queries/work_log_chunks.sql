-- What was too long for the rows of the log records of some traces, in chunks. work_ids: (trace_id).
select project, fingerprint, key, chunk_index, value
from x_log_chunks s semi join work_ids w on s.trace_id = w.trace_id
