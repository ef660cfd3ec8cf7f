-- From when to when some traces ran: bounds that let DuckDB skip rows. lake_traces: (trace_id).
select min(start_time_unix_nano), max(end_time_unix_nano)
from traces where trace_id in (select trace_id from lake_traces)
