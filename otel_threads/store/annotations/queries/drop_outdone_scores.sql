-- Drop scores of spans that were moved, where the same author gave another one at the new place.
delete from x_score_records r using x_joined_spans j, x_score_records n
where r.trace_id = j.sent_trace_id and r.span_id = j.sent_span_id
    and n.trace_id = j.trace_id and n.span_id = j.span_id
    and n.name = r.name and n.author is not distinct from r.author
