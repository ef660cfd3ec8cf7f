-- Log records of one trace, oldest first.
select project, trace_id, span_id, event_name, time, body, body_type, attributes, attribute_types,
    fingerprint
from log_records where trace_id = $trace_id
order by time_unix_nano, fingerprint
