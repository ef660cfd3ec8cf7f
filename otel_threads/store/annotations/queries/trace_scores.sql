-- Scores that people and programs gave to some traces and to their spans. $trace_ids: the
-- traces, as json_list.
select * exclude (sequence), null::timestamptz as superseded_at
from x_score_records where trace_id in (select unnest(from_json($trace_ids, '["varchar"]')))
