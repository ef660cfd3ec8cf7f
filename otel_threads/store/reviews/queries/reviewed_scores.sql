-- Current scores that the reviewers of a queue gave its threads, by author. $names: as json_list.
select s.thread_id, s.name, s.author, s.value, s.category
from scores s
semi join reviews r
    on r.thread_id = s.thread_id and r.project = s.project and r.reviewer = s.author
    and r.queue_id = $queue_id
where s.superseded_at is null and s.trace_id is null and s.turn_index is null
    and s.project = $project and s.name in (select unnest(from_json($names, '["varchar"]')))
order by s.name, s.thread_id, s.author
