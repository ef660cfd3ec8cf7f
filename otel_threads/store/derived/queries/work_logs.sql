-- Log records of some traces, oldest first.
-- work_ids: (trace_id).
select project, trace_id, span_id, event_name, time_unix_nano, body, body_type, attributes, attribute_types,
    fingerprint
from log_records s semi join work_ids w on s.trace_id = w.trace_id
where span_id is not null
order by time_unix_nano, fingerprint
