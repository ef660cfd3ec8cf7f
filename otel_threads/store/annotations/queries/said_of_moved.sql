-- Whether something was said of a span by the ids that it was sent under, before it was moved.
select exists (
    select 1 from x_score_records r, x_joined_spans j
    where r.trace_id = j.sent_trace_id and r.span_id = j.sent_span_id
) or exists (
    select 1 from comments c, x_joined_spans j
    where c.trace_id = j.sent_trace_id and c.span_id = j.sent_span_id
) as is_said
