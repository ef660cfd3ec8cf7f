-- Which of some threads (or traces, by $kind) are here.
-- items: (id).
select distinct i.id from items i
where ($kind = 'thread_id' and exists (
        select 1 from x_thread_facts f where f.thread_id = i.id and f.project = $project))
    or ($kind = 'trace_id' and exists (
        select 1 from traces t where t.trace_id = i.id and t.project = $project))
