-- Values that stand where a conversation's id should, in the latest spans.
-- $names: attributes that may hold one, as json_list. $none: matches what is refused as an id;
-- $shared: what is taken for one, and is probably the same for everybody.
with recent as (
    select trace_id, scope_name, attributes from spans
    where rowid >= (select max(rowid) from spans) - $spans_max
),
told as (
    select trace_id, scope_name, unnest(list_filter(
        map_entries(attributes),
        lambda e: len(e.value) <= 40
            and list_contains(from_json($names, '["varchar"]'), e.key)
            and regexp_full_match(trim(e.value, ' "'), '(' || $none || ')|' || $shared, 'i')
    )) as entry
    from recent
)
select
    scope_name, entry.key as attribute, trim(entry.value, ' "') as value,
    regexp_full_match(trim(entry.value, ' "'), $none, 'i') as is_refused,
    count(*) as span_count,
    (list_sort(list(distinct trace_id)))[:3] as examples
from told
group by all
order by span_count desc, scope_name, attribute, value
limit 20
