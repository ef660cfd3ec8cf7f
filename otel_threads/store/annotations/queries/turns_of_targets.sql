-- Where turns stand: the first trace and the span of each that is here.
-- given: (project, thread_id, turn_index).
select t.project, t.thread_id, t.turn_index, t.trace_id, t.span_id
from turns t
semi join given g
    on g.thread_id = t.thread_id and g.turn_index = t.turn_index and g.project = t.project
