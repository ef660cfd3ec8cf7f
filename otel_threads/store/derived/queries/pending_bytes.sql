-- About how many bytes of long values the commits of a range hold, oldest first; those with none are left
-- out. $after: the deriver's position. $upto: where to stop. The values themselves are not looked at:
-- DuckDB would read 2,048 of them at once.
select
    ingest_seq,
    sum(case when chunk_index is null then 2048 else 16384 end)::bigint as size_bytes
from (
    select ingest_seq, chunk_index from x_content_chunks
    where ingest_seq > $after and ingest_seq <= $upto
    union all
    select ingest_seq, chunk_index from x_log_chunks
    where ingest_seq > $after and ingest_seq <= $upto
    union all
    select ingest_seq, chunk_index from x_sdk_record_chunks
    where ingest_seq > $after and ingest_seq <= $upto
)
group by ingest_seq
order by ingest_seq
