-- Spans of some traces as they came, of every copy of them, in no order.
-- wanted: (trace_id, span_id), a null span_id for all of a trace. $first, $last: bound their start.
select s.* from spans s
where s.start_time_unix_nano >= $first and s.start_time_unix_nano <= $last
    and exists (select 1 from wanted w
        where w.trace_id = s.trace_id and (w.span_id is null or w.span_id = s.span_id))
