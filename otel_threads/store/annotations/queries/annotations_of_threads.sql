-- Annotations of some threads, as rows of one shape.
-- $thread_ids: the threads, as json_list; ids of other projects are told apart by the caller.
select 'lifecycle' as kind, project, thread_id as id, null as tag, is_closed as flag,
    changed_at as time, sequence as number
from x_lifecycle where thread_id in (select unnest(from_json($thread_ids, '["varchar"]')))
union all
select 'comments', project, thread_id, null, null, null, count(*)
from comments where thread_id in (select unnest(from_json($thread_ids, '["varchar"]')))
group by project, thread_id
union all
select 'tag', project, thread_id, tag, is_removed, null, null
from x_tag_changes where thread_id in (select unnest(from_json($thread_ids, '["varchar"]')))
