-- Removes the scores that new ones replace; superseded ones stay.
-- replacing: what upsert_scores.sql found.
delete from x_score_records r using replacing g
where r.name = g.name and r.author is not distinct from g.author
    and r.thread_id is not distinct from g.thread_id
    and r.trace_id is not distinct from g.trace_id
    and r.span_id is not distinct from g.span_id
    and r.turn_index is not distinct from g.turn_index
    and (r.trace_id is not null or r.project = g.project)
    and r.sequence = g.had_sequence
