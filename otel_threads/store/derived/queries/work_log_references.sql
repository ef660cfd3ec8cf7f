-- What log records of some traces have apart from their rows, in chains. work_ids: (trace_id).
select project, fingerprint, key, chain_id, chain_row, chain_chars
from x_log_references s semi join work_ids w on s.trace_id = w.trace_id
