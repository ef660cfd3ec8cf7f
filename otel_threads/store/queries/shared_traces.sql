-- Which of some traces may hold something that is not deleted with them: a copy in another project, a
-- part of another thread, a span that is not derived yet.
-- doomed: (project, trace_id). items: (id), the threads that are deleted, where that is what is done.
-- $by_thread: whether it is. $after: the deriver's position.
with touched as (
    select s.project, s.trace_id, s.thread_id
    from x_trace_slices s semi join doomed d on d.trace_id = s.trace_id
)
select t.trace_id
from touched t anti join doomed d on d.trace_id = t.trace_id and d.project = t.project
union
select t.trace_id
from touched t anti join items i on i.id = t.thread_id
where $by_thread and t.thread_id is not null
union
select s.trace_id
from spans s semi join doomed d on d.trace_id = s.trace_id
where s.ingest_seq > $after
