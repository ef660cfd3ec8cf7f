-- Delete deletions of records that came before a time; return the ids.
-- $before: in nanoseconds since 1970-01-01 UTC.
delete from x_sdk_records where op = 'delete' and received_unix_nano < $before
returning record_id::varchar
