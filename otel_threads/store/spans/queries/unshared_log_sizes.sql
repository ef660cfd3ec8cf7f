-- Per commit the characters of log records that stand in chunks and share nothing.
select ingest_seq, sum(length(value))::bigint as size from x_log_chunks group by ingest_seq order by ingest_seq
