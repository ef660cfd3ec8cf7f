-- Per commit the characters of long values that share nothing.
select ingest_seq, sum(length(value))::bigint as size
from x_content_chunks
where chain_id is null
group by ingest_seq
order by ingest_seq
