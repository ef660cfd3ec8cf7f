-- A line for each turn of a thread, oldest first, and where a text stands in it.
-- $search: lower case, '' for none. $first, $last: bound the turns' start, for zone maps.
with found as (
    select turn_index, message_index from messages
    where $search <> '' and project = $project and thread_id = $thread_id
        and start_time_unix_nano >= $first and start_time_unix_nano <= $last
        and (contains(lower(text), $search) or contains(lower(tool_calls::varchar), $search))
    union
    select turn_index, message_index from x_turn_chunks
    where $search <> '' and project = $project and thread_id = $thread_id
        and message_index is not null and contains(lower(value), $search)
),
hits as (
    select turn_index, list(message_index order by message_index) as messages
    from found group by turn_index
)
select
    t.turn_index,
    t.trace_ids,
    t.span_id,
    t.start_time,
    t.duration_ms,
    left(t."user", 200) as "user",
    left(coalesce(t.error_message, t.error_type, case when t.has_error then 'failed' end), 200) as error,
    coalesce(json_array_length(t.tool_calls), 0)::bigint as tool_call_count,
    len(list_filter(json_extract_string(t.tool_calls, '$[*].error'), lambda one: one is not null))::bigint
        as failed_tool_call_count,
    t.total_tokens,
    t.cost_usd,
    coalesce(h.messages, []) as hits
from turns t
left join hits h on h.turn_index = t.turn_index
where t.project = $project and t.thread_id = $thread_id
    and t.start_time_unix_nano >= $first and t.start_time_unix_nano <= $last
order by t.turn_index
limit 20000
