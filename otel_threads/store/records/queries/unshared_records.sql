-- The records of a commit whose long bodies share nothing, these whole. $sequence: the commit.
with chunks as (
    select place, count(chain_id) as shared_count, string_agg(value, '' order by chunk_index) as whole
    from x_sdk_record_chunks
    where ingest_seq = $sequence
    group by place
)
select
    r.place, received_unix_nano, vendor, entity, op, record_id::varchar as record_id, trace_record_id, project,
    stamp_unix_nano, coalesce(r.body, c.whole) as whole
from x_sdk_records r left join chunks c on c.place = r.place
where r.ingest_seq = $sequence and r.size_bytes >= 512 and coalesce(c.shared_count, 0) = 0
    and coalesce(r.body, c.whole) is not null
order by r.place
