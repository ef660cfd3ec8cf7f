-- Deletes scores of targets and names, past ones too; a null author stands for all.
-- given: (project, thread_id, trace_id, span_id, turn_index, name, author).
delete from x_score_records r using given g
where r.name = g.name and (g.author is null or r.author = g.author)
    and r.thread_id is not distinct from g.thread_id
    and r.trace_id is not distinct from g.trace_id
    and r.span_id is not distinct from g.span_id
    and r.turn_index is not distinct from g.turn_index
    and (r.trace_id is not null or r.project = g.project)
