-- When the spans of some scopes that commits $after < n <= $upto brought start; null for none.
-- $scopes: what the scope begins with.
select min(start_time_unix_nano), max(start_time_unix_nano)
from spans
where ingest_seq > $after and ingest_seq <= $upto and starts_with(scope_name, $scopes)
