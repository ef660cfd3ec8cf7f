-- What the lake has not heard of a node's rules: those that changed, and those that it knew and
-- deleted. newest_edits: what newest_rule_edits.sql found.
select
    uuid()::varchar as edit_id, greatest(now(), n.edited_at + interval 1 microsecond) as edited_at,
    'rules' as table_name, false as is_gone, to_json(r)::varchar as content, '{}' as seen
from rules r left join newest_edits n on n.rule_id = r.rule_id
where n.rule_id is null or n.updated_at < r.updated_at
union all
select
    uuid()::varchar, greatest(now(), n.edited_at + interval 1 microsecond), 'rules', true,
    n.content, '{}'
from newest_edits n
where not n.is_gone and n.rule_id not in (select rule_id from rules)
    and n.edit_id in (select edit_id from x_lake_edits)
