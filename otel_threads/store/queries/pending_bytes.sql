-- How many bytes of long values the commits of a range hold, oldest first; those with none are left
-- out. $after: the deriver's position. $upto: where to stop.
select ingest_seq, sum(strlen(value))::bigint as size_bytes
from span_content
where ingest_seq > $after and ingest_seq <= $upto
group by ingest_seq
order by ingest_seq
