-- The latest turns of a project (of all with null) that failed, whose tool failed, or whose question
-- has no answer.
select
    project,
    thread_id,
    turn_index,
    start_time,
    left("user", 2000) as "user",
    coalesce(trim(assistant), '') <> '' as has_answer,
    error_type,
    left(error_message, 2000) as error_message,
    coalesce(
        list_filter(
            cast(json_extract(tool_calls, '$[*]') as varchar[]),
            lambda one: json_type(one, '$.error') not in ('NULL')
        ),
        []
    )[1:20] as failed_tools
from turns
where coalesce(project = $project, true)
    and thread_id is not null
    and start_time >= $since
    and (
        error_type is not null
        or error_message is not null
        or coalesce(trim(assistant), '') = ''
        or contains(cast(tool_calls as varchar), '"error":{')
        or contains(cast(tool_calls as varchar), '"error":"')
    )
order by start_time desc
limit $turns_max
