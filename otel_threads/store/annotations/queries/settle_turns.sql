-- Moves scores that named a turn ahead of it to the span of the turn, now that the turn is here.
-- given: (project, thread_id, turn_index).
update x_score_records r
set thread_id = null, turn_index = null, trace_id = t.trace_id, span_id = t.span_id
from (
    select t.* from turns t
    semi join given g
        on g.thread_id = t.thread_id and g.turn_index = t.turn_index and g.project = t.project
) t
where r.turn_index = t.turn_index and r.thread_id = t.thread_id and r.project = t.project
