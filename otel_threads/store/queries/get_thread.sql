-- One thread; no row when it is not here.
select * from threads where project = $project and thread_id = $thread_id
