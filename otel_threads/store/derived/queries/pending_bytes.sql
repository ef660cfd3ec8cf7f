-- About how many bytes of long values the commits of a range hold, oldest first; those with none are left
-- out. $after: the deriver's position. $upto: where to stop. The values themselves are not looked at:
-- DuckDB would read 2,048 of them at once. Values of chains are joined a trace at a time, and only what
-- they add counts; those that log records or records of SDKs refer to are read whole.
select
    ingest_seq,
    sum(case when chunk_index is null then 2048 else 16384 end + coalesce(shared, 0))::bigint as size_bytes
from (
    select ingest_seq, chunk_index, null as shared
    from x_content_chunks
    where ingest_seq > $after and ingest_seq <= $upto and span_id <> ''
    union all
    select ingest_seq, chunk_index, null as shared from x_log_chunks
    where ingest_seq > $after and ingest_seq <= $upto
    union all
    select ingest_seq, null as chunk_index, chain_chars from x_log_references
    where ingest_seq > $after and ingest_seq <= $upto
    union all
    select ingest_seq, case when chain_id is null then chunk_index end, chain_chars from x_sdk_record_chunks
    where ingest_seq > $after and ingest_seq <= $upto
)
group by ingest_seq
order by ingest_seq
