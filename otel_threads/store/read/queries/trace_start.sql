-- When a trace begins, in nanoseconds, for zone maps: one row, empty when it is not here. Of a trace that
-- was sent to several projects, when the first and the last of these begin.
select min(start_time_unix_nano) as first, max(start_time_unix_nano) as last
from traces where trace_key = $trace_key
