-- Where some spans are: every span of these ids, in whatever trace.
-- $span_ids: as json_list.
select project, trace_id, span_id, parent_span_id, start_time, start_time_unix_nano,
    attributes['otel_threads.record.id'] as record_id
from spans
where span_id in (select unnest(from_json($span_ids, '["varchar"]')))
order by ingest_seq desc
limit 2000
