-- Ids of traces of a project, $limit at most.
select trace_id from traces where project = $project limit $limit
