-- Which log records of a batch are stored already.
-- batch_ids: (row, project, fingerprint) of the batch. $first, $last: bounds of its times.
select n.row
from batch_ids n
semi join (
    select project, fingerprint from log_records where time_unix_nano between $first and $last
) s on s.fingerprint = n.fingerprint and s.project = n.project
