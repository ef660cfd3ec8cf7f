-- Which spans of a batch are stored already.
-- batch_ids: (row, project, trace_id, span_id) of the batch. $first, $last: bounds of its start times.
-- A span sent again has the start that it had, so the bounds lose nothing and let zone maps prune.
select n.row
from batch_ids n
semi join (
    select project, trace_id, span_id from spans where start_time_unix_nano between $first and $last
) s on s.span_id = n.span_id and s.trace_id = n.trace_id and s.project = n.project
