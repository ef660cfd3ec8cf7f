-- Those of some ids that anything is stored of, and is not deleted.
-- record_ids: (record_id). $vendor, $entity: of what they are ids. $puts_only: patches do not count.
select r.record_id::varchar
from x_sdk_records r
semi join (select record_id::uuid as record_id from record_ids) i on r.record_id = i.record_id
where r.vendor = $vendor and r.entity = $entity
group by r.record_id
having max(case when r.op = 'put' or (r.op = 'patch' and not $puts_only) then (r.ingest_seq, r.place) end)
    > coalesce(max(case when r.op = 'delete' then (r.ingest_seq, r.place) end), (-1::bigint, 0))
