-- Some spans as they came, of whatever time: looked for by their starts, which are read alone first.
-- $starts, $span_ids: as json_list. May have others of the same start and id: the reader knows which.
select s.* from spans s
where s.rowid in (
    select rowid from spans
    where start_time_unix_nano in (select unnest(from_json($starts, '["bigint"]')))
        and span_id in (select unnest(from_json($span_ids, '["varchar"]')))
)
