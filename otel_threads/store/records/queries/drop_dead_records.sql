-- Drop what came before the deletion of a record: it counts no more; return the ids. record_ids: (record_id).
-- $upto: the last commit that is looked at.
delete from x_sdk_records r
using (
    select d.vendor, d.entity, d.record_id, max((d.ingest_seq, d.place)) as deleted
    from x_sdk_records d
    where d.op = 'delete' and d.ingest_seq <= $upto
        and d.record_id in (select record_id::uuid from record_ids)
    group by d.vendor, d.entity, d.record_id
) g
where r.vendor = g.vendor and r.entity = g.entity and r.record_id = g.record_id
    and (r.ingest_seq, r.place) < g.deleted
returning r.record_id::varchar
