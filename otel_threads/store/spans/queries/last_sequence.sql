-- The number of the last commit that stored anything; 0 for an empty file.
select coalesce(max(seq), 0)
from (
    select max(ingest_seq) as seq from spans union all select max(ingest_seq) from log_records
    union all select max(ingest_seq) from x_sdk_records
    -- Where its records are deleted, what was derived of it stays ahead.
    union all select derived_sequence from x_derive_state
)
