-- What traces, or threads, of a selection have on the mean. `chosen` (the items) is put before this.
select
    avg(coalesce(len(tags), 0)) as tag_count, avg(call_count) as call_count,
    avg(span_count) as span_count
from chosen
