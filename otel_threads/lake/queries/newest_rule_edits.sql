-- What the lake heard last of each rule: its state then, or that it was deleted.
select
    content::json->>'rule_id' as rule_id, arg_max(edit_id, edited_at) as edit_id,
    arg_max(is_gone, edited_at) as is_gone, arg_max(content, edited_at) as content,
    (arg_max(content, edited_at)::json->>'updated_at')::timestamptz as updated_at,
    max(edited_at) as edited_at
from lake.stored.lake_edits
where table_name = 'rules'
group by all
