-- Whether a thread is here: one row or none.
select 1 as there from thread_facts
where project = $project and thread_id = $thread_id
limit 1
