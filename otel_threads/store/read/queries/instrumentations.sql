-- Which instrumentations the latest spans came from, how their traces got a thread, what is odd.
with recent as (
    select * from spans where rowid >= (select max(rowid) from spans) - $spans_max
),
truncated as (
    select distinct project, unnest(trace_ids) as trace_id from turns where is_truncated
),
seen as (
    select
        s.scope_name, s.scope_version, s.trace_id,
        any_value(t.thread_ids) as thread_ids,
        any_value(t.thread_id_source) as thread_id_source,
        max(coalesce(t.call_count, 0)) as call_count,
        any_value(t.first_message) as first_message,
        count(*) as span_count,
        max(s.start_time_unix_nano) as latest,
        count(x.trace_id) > 0 as is_truncated,
        count(*) filter (s.start_time > s.received_at + interval 5 minutes) as from_the_future,
        count(*) filter (s.duration_ms < 0) as ending_before_start,
        count(*) filter (s.start_time < s.received_at - interval 1 day) as late,
        count(*) filter (
            s.attributes['session.id'] like '[Scrubbed%' or s.attributes['thread_id'] like '[Scrubbed%'
        ) as scrubbed
    from recent s left join traces t on t.trace_id = s.trace_id and t.project = s.project
        left join truncated x on x.trace_id = s.trace_id and x.project = s.project
    group by s.scope_name, s.scope_version, s.trace_id
)
select
    scope_name, scope_version,
    sum(span_count)::bigint as span_count,
    count(*) as trace_count,
    count(*) filter (len(thread_ids) > 0) as traces_with_thread,
    list_sort(list(distinct thread_id_source) filter (thread_id_source is not null))
        as thread_id_sources,
    count(*) filter (call_count > 0) as traces_with_calls,
    count(*) filter (call_count > 0 and len(thread_ids) = 0) as calls_without_thread,
    (list(trace_id order by latest desc, trace_id) filter (call_count > 0 and len(thread_ids) = 0))[:3]
        as examples_without_thread,
    count(*) filter (call_count > 0 and first_message is null) as traces_without_content,
    (list(trace_id order by latest desc, trace_id) filter (call_count > 0 and first_message is null))[:3]
        as examples_without_content,
    count(*) filter (call_count > 0 and is_truncated) as traces_truncated,
    (list(trace_id order by latest desc, trace_id) filter (call_count > 0 and is_truncated))[:3]
        as examples_truncated,
    sum(from_the_future)::bigint as spans_from_the_future,
    sum(ending_before_start)::bigint as spans_ending_before_start,
    sum(late)::bigint as spans_a_day_late,
    sum(scrubbed)::bigint as spans_scrubbed
from seen
group by scope_name, scope_version
order by span_count desc, scope_name, scope_version
limit 200
