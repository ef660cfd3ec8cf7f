-- Which turns failed, in which way: what issues are made of, for analysts, too.

create view failed_turns as
select
    project, thread_id, turn_index, trace_id, span_id, start_time, duration_ms, "user", assistant,
    coalesce(trim(assistant), '') <> '' as has_answer, error_type, error_message,
    coalesce(
        list_filter(
            cast(json_extract(tool_calls, '$[*]') as varchar[]),
            lambda one: json_type(one, '$.error') not in ('NULL')
        ),
        []
    )[1:20] as failed_tools
from turns
where thread_id is not null
    and (
        error_type is not null
        or error_message is not null
        or coalesce(trim(assistant), '') = ''
        or contains(cast(tool_calls as varchar), '"error":{')
        or contains(cast(tool_calls as varchar), '"error":"')
    );
comment on view failed_turns is 'Turns that failed, whose tool failed, or whose question has no answer: what issues are made of.';
comment on column failed_turns.project is 'Project.';
comment on column failed_turns.thread_id is 'Thread.';
comment on column failed_turns.turn_index is 'Place in the thread, from 0.';
comment on column failed_turns.trace_id is 'Trace of the turn.';
comment on column failed_turns.span_id is 'Span that stands for the turn.';
comment on column failed_turns.start_time is 'Start of the turn.';
comment on column failed_turns.duration_ms is 'How long it took.';
comment on column failed_turns."user" is 'What the user said.';
comment on column failed_turns.assistant is 'What was answered; null for nothing.';
comment on column failed_turns.has_answer is 'Whether there is an answer that is not blank.';
comment on column failed_turns.error_type is 'Kind of the error of the turn; null when it went well or none was named.';
comment on column failed_turns.error_message is 'Text of that error.';
comment on column failed_turns.failed_tools is 'Calls of tools that failed, 20 at most, each as JSON: name, arguments, result, error.';
