-- Drops changes that nodes had the time to apply. What was heard last of a rule stays, for nodes to
-- come; that it was deleted, for longer. $before: since when they stay. $deleted_before: the same, of
-- rules that were deleted.
delete from lake.stored.lake_edits
where edited_at <= $before and edit_id not in (
    select arg_max(edit_id, edited_at)
    from lake.stored.lake_edits where table_name = 'rules'
    group by content::json->>'rule_id'
    having not arg_max(is_gone, edited_at) or max(edited_at) > $deleted_before
)
