-- Ids that commits $after < n <= $upto brought records of, with the bytes of all of their bodies, and
-- whether records of them came before.
select
    r.record_id::varchar as record_id,
    sum(r.size_bytes)::bigint as size_bytes,
    bool_or(r.ingest_seq <= $after) as is_known
from x_sdk_records r
semi join (
    select record_id from x_sdk_records where ingest_seq > $after and ingest_seq <= $upto
) t on r.record_id = t.record_id
where r.ingest_seq <= $upto
group by r.record_id
order by r.record_id
