-- Which instrumentations were seen, and how their traces got a thread.
select
    s.scope_name, s.scope_version,
    count(*) as span_count,
    count(distinct s.trace_id) as trace_count,
    count(distinct s.trace_id) filter (len(t.thread_ids) > 0) as traces_with_thread,
    list_sort(list_distinct(list(t.thread_id_source) filter (t.thread_id_source is not null)))
        as thread_id_sources,
    count(distinct s.trace_id) filter (t.call_count > 0) as traces_with_calls,
    count(distinct s.trace_id) filter (t.call_count > 0 and t.first_message is null)
        as traces_without_content,
    count(*) filter (s.start_time > s.received_at + interval 5 minutes) as spans_from_the_future,
    count(*) filter (s.duration_ms < 0) as spans_ending_before_start
from spans s left join traces t on t.trace_id = s.trace_id
group by s.scope_name, s.scope_version
order by span_count desc, s.scope_name, s.scope_version
limit 200
