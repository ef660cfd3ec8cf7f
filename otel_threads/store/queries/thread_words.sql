-- First and last message of touched threads as they were, for what does not change.
-- affected: (project, thread_id, first).
select f.project, f.thread_id, f.first_message, f.last_message
from thread_facts f
semi join affected a on f.thread_id = a.thread_id and f.project = a.project
