-- The earliest start of any span of some traces: bounds what the next queries must read. And whether
-- none of them was derived before: each that was has a row in traces.
-- work_ids: (trace_id). $after: the deriver's position; what came later is found by ingest_seq,
-- what came before by the traces that were derived from it.
select min(start_time_unix_nano), sum(derived_count) = 0 from (
    select min(t.start_time_unix_nano) as start_time_unix_nano, count(*) as derived_count
    from traces t semi join work_ids w on t.trace_id = w.trace_id
    union all
    select min(s.start_time_unix_nano), 0
    from spans s semi join work_ids w on s.trace_id = w.trace_id
    where s.ingest_seq > $after
)
