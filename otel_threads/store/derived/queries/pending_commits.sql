-- Commits that the deriver has not read, oldest first, with how many rows each stored.
-- $after: the deriver's position. $upto: where to stop.
select ingest_seq, count(*) as row_count
from (
    select ingest_seq from spans
    where ingest_seq > $after and ingest_seq <= $upto and record_id is null
    union all
    select ingest_seq from log_records where ingest_seq > $after and ingest_seq <= $upto
    union all
    select ingest_seq from x_sdk_records where ingest_seq > $after and ingest_seq <= $upto
)
group by ingest_seq
order by ingest_seq
