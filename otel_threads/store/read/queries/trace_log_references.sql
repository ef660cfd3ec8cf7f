-- What log records of one trace have apart from their rows, in chains.
select project, fingerprint, key, chain_id, chain_row, chain_chars
from x_log_references where trace_id = $trace_id
