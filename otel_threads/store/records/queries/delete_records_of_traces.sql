-- Delete what spans were folded from that are about to be deleted; return the ids.
-- going: (trace_id). staying: (project, trace_id, span_id), what is kept of these traces.
delete from x_sdk_records where record_id in (
    select s.record_id::uuid
    from spans s
    semi join going g on s.trace_id = g.trace_id
    anti join staying k on s.project = k.project and s.trace_id = k.trace_id and s.span_id = k.span_id
    where s.record_id is not null
)
returning record_id::varchar
