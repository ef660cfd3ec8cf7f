-- One thread, without what people said of it; no row when it is not here.
select * from x_thread_facts where project = $project and thread_id = $thread_id
