-- Keeps the latest lines of each rule's log.
-- $lines: how many.
delete from x_rule_log where rowid in (
    select rowid from x_rule_log
    qualify row_number() over (partition by rule_id order by logged_at desc, rowid desc) > $lines
)
