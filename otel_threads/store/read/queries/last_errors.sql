-- What failed last in some threads: of a turn, else of a tool call of one; no row where neither did.
-- wanted: (project, thread_id). $first, $last: bound their start, for zone maps.
with failed as (
    select
        t.project, t.thread_id, t.turn_index,
        coalesce(
            case when t.has_error or t.error_type is not null or t.error_message is not null
                then coalesce(nullif(concat_ws(': ', t.error_type, t.error_message), ''), 'failed')
            end,
            list_filter(
                json_extract_string(t.tool_calls, '$[*].error.message'),
                lambda one: one is not null
            )[-1]
        ) as error
    from turns t
    semi join wanted w on t.thread_id = w.thread_id and t.project = w.project
    where t.start_time_unix_nano >= $first and t.start_time_unix_nano <= $last
)
select project, thread_id, left(arg_max(error, turn_index), 300) as error
from failed
where error is not null
group by project, thread_id
