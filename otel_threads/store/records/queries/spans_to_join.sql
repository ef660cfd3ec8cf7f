-- Traces of which commits $after < n <= $upto brought spans that may belong elsewhere, with the earliest
-- start of these: spans that name another trace, and spans of traces that some were moved out of.
-- $name: the attribute that names a trace, by its UUID.
select trace_id, min(start_time_unix_nano) as first
from spans
where ingest_seq > $after and ingest_seq <= $upto and record_id is null
    and (
        replace(lower(attributes[$name]), '-', '') <> trace_id
        or trace_id in (select sent_trace_id from x_joined_spans)
    )
group by trace_id
