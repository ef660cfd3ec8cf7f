-- What was too long for the rows of the log records of one trace, in chunks.
select project, fingerprint, key, chunk_index, value from x_log_chunks where trace_id = $trace_id
