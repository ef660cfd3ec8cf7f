-- Of the threads in `changed` (project, thread_id), those that have no trace left.
select c.project, c.thread_id
from changed c anti join x_thread_facts f on f.project = c.project and f.thread_id = c.thread_id
