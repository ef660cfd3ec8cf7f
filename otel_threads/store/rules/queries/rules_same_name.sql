-- Other rules of a project and a name, with their last change.
-- $rule_id: which is not meant.
select updated_at, rule_id from rules
where project = $project and name = $name and rule_id <> $rule_id
