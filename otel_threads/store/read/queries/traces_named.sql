-- Traces of a thread, and traces that have its id as a value of their metadata, with the bounds of their times.
-- $projects: as json_list, null for all. $thread_id.
select trace_id, min(start_time_unix_nano) as first, max(end_time_unix_nano) as last
from traces
where ($projects is null or project in (select unnest(from_json($projects, '["varchar"]'))))
    and (list_contains(thread_ids, $thread_id) or list_contains(map_values(metadata), $thread_id))
group by trace_id
