-- Annotations of some traces, in the shape of annotations_of_threads.sql.
-- $trace_ids: the traces, as json_list.
select 'comments' as kind, null as project, trace_id as id, null as tag, null::boolean as flag,
    null::timestamptz as time, count(*) as number
from comments where trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
group by trace_id
union all
select 'tag', project, trace_id, tag, is_removed, null, null
from x_tag_changes where trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
