-- Scores to write, each with when its target was first scored so; null for a new one.
-- given: the columns of x_score_records but times; given_at: when, null for now. A superseded score is
-- history: a new one beside it begins anew.
with s as (select coalesce(bool_or(value = 'supersede'), true) as supersede from x_settings where name = 'scores_on_new_trace')
select
    g.* exclude (given_at), coalesce(min(r.created_at), min(g.given_at), now()) as created_at,
    coalesce(g.given_at, now()) as updated_at,
    max(r.sequence) as had_sequence
from given g
left join x_score_records r
    on r.name = g.name and r.author is not distinct from g.author
    and r.thread_id is not distinct from g.thread_id
    and r.trace_id is not distinct from g.trace_id
    and r.span_id is not distinct from g.span_id
    and r.turn_index is not distinct from g.turn_index
    and (r.trace_id is not null or r.project = g.project)
    and (r.trace_id is not null or r.turn_index is not null or not (select supersede from s) or not exists (
        select 1 from x_thread_facts f
        where f.thread_id = r.thread_id and f.project = r.project
            and f.last_trace_sequence > greatest(r.sequence, f.first_sequence)))
group by all
