-- Runs of which the end is stored already.
-- given: (run_id).
select run_id from rule_runs where run_id in (select run_id from given)
