-- Which spans of a batch are stored already, and whether the batch has the version to keep.
-- batch_ids: (row, project, trace_id, span_id, end_time_unix_nano, attribute_count) of the batch.
-- $first, $last: bounds of its start times.
-- A span sent again has the start that it had, so the bounds lose nothing and let zone maps prune.
-- What SDKs' records were folded into is no span that was sent.
-- A span that is first sent in part ends later when it is whole, or has more attributes then.
select
    n.row,
    (n.end_time_unix_nano, n.attribute_count)
        > (s.end_time_unix_nano, s.attribute_count) as is_more_complete
from batch_ids n
join (
    select project, trace_id, span_id, end_time_unix_nano, cardinality(attributes)::bigint as attribute_count
    from spans where start_time_unix_nano between $first and $last and record_id is null
) s on s.span_id = n.span_id and s.trace_id = n.trace_id and s.project = n.project
