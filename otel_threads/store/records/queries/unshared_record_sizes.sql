-- Per commit the bytes of long bodies that share nothing.
select ingest_seq, sum(size_bytes)::bigint as size
from x_sdk_records r
anti join (select ingest_seq, place from x_sdk_record_chunks where chain_id is not null) c
    on c.ingest_seq = r.ingest_seq and c.place = r.place
where size_bytes >= 512
group by ingest_seq
order by ingest_seq
