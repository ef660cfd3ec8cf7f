-- Delete bodies whose records are gone; return the chains of which they had texts.
delete from x_sdk_record_chunks
where (ingest_seq, place) not in (select (ingest_seq, place) from x_sdk_records)
returning chain_id
