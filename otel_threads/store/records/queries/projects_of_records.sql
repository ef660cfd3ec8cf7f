-- The project of each trace of records that spans belong to: of its root, where it has come.
-- joined: (trace_id). $after: the position up to which traces are derived.
select trace_id, max(project) as project from (
    select s.trace_id, s.project
    from spans s semi join joined j on s.trace_id = j.trace_id
    where s.ingest_seq > $after and s.record_id is not null and s.parent_span_id is null
    union all
    select t.trace_id, t.project
    from traces t semi join joined j on t.trace_id = j.trace_id
    where t.root_span_id is not null
)
group by trace_id
