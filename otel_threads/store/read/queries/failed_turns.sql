-- The latest turns of a project (of all with null) that failed, whose tool failed, or whose question
-- has no answer.
select
    project,
    thread_id,
    turn_index,
    start_time,
    left("user", 2000) as "user",
    has_answer,
    error_type,
    left(error_message, 2000) as error_message,
    failed_tools
from failed_turns
where coalesce(project = $project, true) and start_time >= $since
order by start_time desc
limit $turns_max
