-- Traces that commits $after < n <= $upto touched, and such that another one's change touched.
select distinct trace_id from (
    select trace_id from spans where ingest_seq > $after and ingest_seq <= $upto
    union all
    select trace_id from log_records
    where ingest_seq > $after and ingest_seq <= $upto and trace_id is not null
    union all
    (select trace_id from x_traces_to_rederive limit 100)
)
