-- What was too long for the rows of the log records of one trace, in pieces.
select project, fingerprint, key, piece_index, value from log_pieces where trace_id = $trace_id
