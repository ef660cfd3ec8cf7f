-- The rows of spans that records of some ids were folded into. record_ids: (record_id).
select s.project, s.trace_id, s.span_id, s.start_time_unix_nano
from spans s semi join record_ids i on s.record_id = i.record_id
where s.record_id is not null
