-- Spans that joined a trace whose root came with a commit $after < n <= $upto, under another project.
select j.project, j.trace_id, j.span_id, j.start_time_unix_nano
from x_joined_spans j
join (
    select trace_id, project from spans
    where ingest_seq > $after and ingest_seq <= $upto and record_id is not null
        and parent_span_id is null
) r on j.trace_id = r.trace_id and j.project <> r.project
