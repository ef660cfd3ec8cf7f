-- Spans of a selection together. `chosen` (the spans) is put before this.
select
    count(*) as span_count, count(*) filter (status_code = 'error') as error_count,
    quantile_cont(duration_ms, [0.5, 0.9, 0.99]) as duration_ms
from chosen
