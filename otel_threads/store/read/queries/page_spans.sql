-- Spans of some traces as they came, of every copy of them, in no order.
-- wanted: (trace_id, span_id), a null span_id for all of a trace. $first, $last: bound their start.
-- Found by narrow columns, then read whole: the rows of a page are few of those within its bounds.
select s.* from spans s
where s.rowid in (
    select n.rowid from spans n
    where n.start_time_unix_nano >= $first and n.start_time_unix_nano <= $last
        and exists (select 1 from wanted w
            where w.trace_id = n.trace_id and (w.span_id is null or w.span_id = n.span_id))
)
