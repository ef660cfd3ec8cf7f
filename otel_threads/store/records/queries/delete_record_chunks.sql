-- Delete long bodies whose records are gone.
delete from x_sdk_record_chunks
where (ingest_seq, place) not in (select (ingest_seq, place) from x_sdk_records)
