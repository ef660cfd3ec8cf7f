-- Wanted traces of which several nodes have spans, or records of spans, now or once.
-- wanted, kept, records: what the other files made.
select w.unit
from wanted w join (
    select lake_unit as unit, lake_node from lake.stored.spans where lake_node <> 'joined'
    union all
    select k.trace_id, r.lake_node from records r join kept k on k.record_id = r.lake_unit
) s using (unit)
group by w.unit having count(distinct s.lake_node) > 1
union
select j.lake_unit from lake.stored.lake_joined j semi join wanted w on w.unit = j.lake_unit
where j.kind = 'raw'
