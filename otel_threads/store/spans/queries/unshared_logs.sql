-- The chunks of a commit's log records, in the order of their times. $sequence: the commit.
select c.*, l.time_unix_nano
from x_log_chunks c
join (select project, fingerprint, time_unix_nano from log_records where ingest_seq = $sequence) l
    on l.project = c.project and l.fingerprint = c.fingerprint
where c.ingest_seq = $sequence
order by l.time_unix_nano, c.project, c.fingerprint, c.key, c.chunk_index
