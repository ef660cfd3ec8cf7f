-- Lines of a rule's log, the latest first.
select logged_at, level, message, project, thread_id
from x_rule_log where rule_id = $rule_id
order by logged_at desc, rowid desc
limit $limit
