-- Which log records of a batch are stored already.
-- batch_ids: (row, fingerprint) of the batch. $first, $last: bounds of its times.
select n.row
from batch_ids n
semi join (
    select fingerprint from log_records where time_unix_nano between $first and $last
) s on s.fingerprint = n.fingerprint
