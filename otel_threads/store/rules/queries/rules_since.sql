-- The last commit that was received before a rule began to judge, elsewhere.
-- $since_at: when that was.
select coalesce(max(ingest_seq), 0) from spans where received_at <= $since_at
