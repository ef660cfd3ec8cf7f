-- Records that spans are folded from anew, of all nodes; not where the lake has but patches of some.
-- kept: what joining_kept.sql made. Gives records.
create or replace temp table records as
select t.*, t.received_unix_nano // 1000 as came_us
from alive_x_sdk_records t semi join kept k on k.record_id = t.lake_unit
qualify bool_or(t.op = 'put') over (partition by t.lake_unit)
