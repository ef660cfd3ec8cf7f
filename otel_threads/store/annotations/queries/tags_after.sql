-- An item with more tags than it may have; no row when all is well.
-- items: (id). $kind: thread_id or trace_id.
select i.id, len(list_distinct(list_concat(
    coalesce(any_value(b.tags), []), coalesce(list(t.tag) filter (not t.is_removed), [])))) as found
from items i
left join x_tag_changes t
    on t.project = $project and i.id = case when $kind = 'thread_id' then t.thread_id else t.trace_id end
left join (
    select thread_id as id, tags from x_thread_facts where project = $project and $kind = 'thread_id'
    union all
    select trace_id as id, tags from traces where project = $project and $kind = 'trace_id'
) b on b.id = i.id
group by i.id
having found > $tags_max
limit 1
