-- Spans of OTLP that an SDK sent beside its records, each with the folded record that starts within a
-- microsecond of it: both are of one run, and one of the two came after commit $after.
-- $vendor: of the records. $scopes: what the scope of such spans begins with. $first, $last: bounds of
-- their starts, and a microsecond around. The nearest come first. Times are compared by their
-- microsecond and those beside it, so that it is a join by equality.
with near as (
    select * from spans
    where start_time_unix_nano between $first and $last
        and starts_with(scope_name, $scopes)
),
sent as (
    select *, unnest([-1, 0, 1]) + start_time_unix_nano // 1000 as micros
    from near where record_id is null
),
folded as (
    select *, start_time_unix_nano // 1000 as micros
    from near
    where record_id is not null and attributes['otel_threads.record.vendor'] = $vendor
        and (trace_id, span_id) not in (select (trace_id, span_id) from x_joined_spans)
)
select o.trace_id, o.span_id, r.trace_id, r.span_id, r.parent_span_id, o.start_time_unix_nano
from sent o
join folded r on r.micros = o.micros and r.name = o.name and r.project = o.project
where abs(o.start_time_unix_nano - r.start_time_unix_nano) < 1000
    and (o.ingest_seq > $after or r.ingest_seq > $after)
order by abs(o.start_time_unix_nano - r.start_time_unix_nano), o.trace_id, o.span_id, r.span_id
