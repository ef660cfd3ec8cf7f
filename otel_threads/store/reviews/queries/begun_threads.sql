-- Threads of a queue that a reviewer has taken, whether or not the lock is over, or has done.
select thread_id from x_review_locks where queue_id = $queue_id
union
select thread_id from reviews where queue_id = $queue_id
