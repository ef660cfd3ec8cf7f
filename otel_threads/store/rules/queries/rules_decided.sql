-- Threads for whose state nothing waits any more: another has decided, or they are judged elsewhere.
-- given: rule_id, project, thread_id and the trace_sequence that was judged.
select g.rule_id, g.project, g.thread_id
from given g
anti join rule_decisions d
    on d.rule_id = g.rule_id and d.project = g.project and d.thread_id = g.thread_id
    and (d.state = 'waiting' or d.trace_sequence < g.trace_sequence)
