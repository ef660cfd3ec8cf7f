-- Traces of some threads, and traces that have one of their ids as a value of their metadata, with the
-- bounds of their times. $projects: as json_list, null for all. $thread_ids: as json_list.
select trace_id, min(start_time_unix_nano) as first, max(end_time_unix_nano) as last
from traces
where ($projects is null or project in (select unnest(from_json($projects, '["varchar"]'))))
    and (list_has_any(thread_ids, from_json($thread_ids, '["varchar"]'))
        or list_has_any(map_values(metadata), from_json($thread_ids, '["varchar"]')))
group by trace_id
