-- The latest stored record of each id and kind, oldest first, so that a deletion is seen in its place.
-- record_ids: (record_id), of the records that are about to be stored.
select
    r.vendor, r.entity, r.record_id::varchar as record_id, r.op,
    arg_max(r.body_hash, (r.ingest_seq, r.place)) as body_hash
from x_sdk_records r
semi join (select record_id::uuid as record_id from record_ids) i on r.record_id = i.record_id
group by r.vendor, r.entity, r.record_id, r.op
order by max((r.ingest_seq, r.place))
