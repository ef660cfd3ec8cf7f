-- Review queues, the newest first; null leaves a condition out.
select * from review_queues
where ($project is null or project = $project) and ($queue_id is null or queue_id = $queue_id)
order by created_at desc, queue_id
limit 1000
