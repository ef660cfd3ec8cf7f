-- The rows of the touched threads, summed over their traces and turns.
-- affected: (project, thread_id). A thread without a trace left gets no row.
-- words: (project, thread_id, first_message, last_message), so that no content is read here.
-- $lowest, $highest: when the first of these threads began and the last ended, for zone maps.
-- What DuckDB keeps of an aggregate it cannot swap out, and threads are long: nothing here may keep
-- something of each slice, as `list` and `sum(order by)` do. Of two traces that began in the same
-- nanosecond their own values decide: to read trace ids would take a seventh of the time.
insert into x_thread_facts by name
with f as (
    select
        s.project, s.thread_id,
        arg_min(s.thread_id_source, (s.start_time_unix_nano, s.thread_id_source)) as thread_id_source,
        make_timestamptz(min(s.start_time_unix_nano) // 1000) as first_activity_time,
        make_timestamptz(max(s.end_time_unix_nano) // 1000) as last_activity_time,
        make_timestamptz(min(s.created_unix_nano) // 1000) as created_at,
        make_timestamptz(max(s.received_unix_nano) // 1000) as updated_at,
        (max(s.end_time_unix_nano) - min(s.start_time_unix_nano)) / 1e6 as duration_ms,
        count(*) as trace_count,  -- a trace has one slice for each of its threads
        sum(s.span_count)::bigint as span_count,
        sum(s.error_count)::bigint as error_count,
        sum(s.call_count)::bigint as call_count,
        min(s.first_sequence) as first_sequence,
        max(s.last_sequence) as last_sequence,
        max(s.trace_sequence) as last_trace_sequence,
        make_timestamptz(arg_max(s.created_unix_nano, s.trace_sequence) // 1000) as last_trace_at,
        list_sort(list_distinct(flatten(map_keys(histogram(s.models))))) as models,
        list_sort(list_distinct(flatten(map_keys(histogram(s.providers))))) as providers,
        list_sort(list_distinct(flatten(map_keys(histogram(s.services))))) as services,
        list_sort(list_distinct(flatten(map_keys(histogram(s.users))))) as users,
        list_sort(list_distinct(flatten(map_keys(histogram(s.environments))))) as environments,
        list_sort(list_distinct(flatten(map_keys(histogram(s.tags))))) as tags,
        arg_max(s.metadata, (s.start_time_unix_nano, s.metadata))
            filter (len(map_keys(s.metadata)) > 0) as metadata,
        sum(s.input_tokens)::bigint as input_tokens,
        sum(s.output_tokens)::bigint as output_tokens,
        sum(s.total_tokens)::bigint as total_tokens,
        sum(s.cache_read_tokens)::bigint as cache_read_tokens,
        sum(s.cache_write_tokens)::bigint as cache_write_tokens,
        sum(s.reasoning_tokens)::bigint as reasoning_tokens,
        sum(s.input_audio_tokens)::bigint as input_audio_tokens,
        sum(s.output_audio_tokens)::bigint as output_audio_tokens,
        -- Whole trillionths and what is left of them, as integers: the same in whatever order.
        sum(round(s.cost_usd * 1e12)::hugeint) / 1e12
            + sum(round((s.cost_usd - round(s.cost_usd * 1e12) / 1e12) * 1e24)::hugeint) / 1e24
            as cost_usd,
        case
            when min(s.cost_source) < max(s.cost_source) then 'mixed'
            else min(s.cost_source)
        end as cost_source,
        bool_or(s.cost_is_partial)
            or (count(s.cost_usd) > 0
                and count(*) filter (s.cost_usd is null and s.call_count > s.error_count) > 0)
            as cost_is_partial
    from x_trace_slices s
    semi join affected a on s.thread_id = a.thread_id and s.project = a.project
    where s.start_time_unix_nano between $lowest and $highest
    group by s.project, s.thread_id
),
t as (
    select
        t.project, t.thread_id,
        count(*) as turn_count,
        sum(t.message_count)::bigint as message_count
    from turns t
    semi join affected a on t.thread_id = a.thread_id and t.project = a.project
    where t.start_time_unix_nano between $lowest and $highest
    group by t.project, t.thread_id
)
select
    f.*,
    coalesce(t.turn_count, 0) as turn_count,
    coalesce(t.message_count, 0) as message_count,
    w.first_message, w.last_message
from f
left join t on t.thread_id = f.thread_id and t.project = f.project
left join words w on w.thread_id = f.thread_id and w.project = f.project
