-- Views that answer what people usually ask, and a project's own retention.

alter table project_settings add column retention_days double;

create view scored_threads as
select
    s.project, s.thread_id, s.name, avg(s.value) as value, count(*) as score_count,
    list(distinct s.author) filter (s.author is not null) as authors,
    list(s.reason order by s.updated_at desc) filter (s.reason is not null) as reasons,
    any_value(t.last_activity_time) as last_activity_time, any_value(t.turn_count) as turn_count,
    any_value(t.first_message) as first_message, any_value(t.last_message) as last_message
from scores s join thread_facts t on t.thread_id = s.thread_id and t.project = s.project
where s.superseded_at is null and s.thread_id is not null
group by s.project, s.thread_id, s.name;
comment on view scored_threads is 'Scored threads, a row per score name: from scored_threads where name = ''quality'' and value < 0.5.';
comment on column scored_threads.project is 'Project.';
comment on column scored_threads.thread_id is 'Conversation id.';
comment on column scored_threads.name is 'Name of the score.';
comment on column scored_threads.value is 'Mean over the authors; null when there are only categories.';
comment on column scored_threads.score_count is 'How many current scores of that name there are.';
comment on column scored_threads.authors is 'Who scored.';
comment on column scored_threads.reasons is 'Why, the latest first.';
comment on column scored_threads.last_activity_time is 'End of the last span of the thread.';
comment on column scored_threads.turn_count is 'Turns of the thread.';
comment on column scored_threads.first_message is 'First words of the user.';
comment on column scored_threads.last_message is 'Last words of the assistant.';

create view daily_usage as
select
    date_trunc('day', start_time) as day, project, coalesce(response_model, request_model) as model,
    any_value(provider) as provider, count(*) as call_count,
    count(*) filter (error_type is not null or error_message is not null) as error_count,
    sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens,
    sum(cache_read_tokens)::bigint as cache_read_tokens, sum(cost_usd) as cost_usd,
    count(cost_usd) < count(*) as cost_is_partial
from calls
group by all;
comment on view daily_usage is 'Calls, tokens and cost by day (UTC), project and model.';
comment on column daily_usage.day is 'Midnight UTC at which the day begins.';
comment on column daily_usage.project is 'Project.';
comment on column daily_usage.model is 'Model that answered, else the one that was asked for.';
comment on column daily_usage.provider is 'Provider of the model; one of them when there were several.';
comment on column daily_usage.call_count is 'Model requests.';
comment on column daily_usage.error_count is 'Model requests that failed.';
comment on column daily_usage.input_tokens is 'Tokens in, cached ones included.';
comment on column daily_usage.output_tokens is 'Tokens out, reasoning included.';
comment on column daily_usage.cache_read_tokens is 'Tokens in that came from a cache.';
comment on column daily_usage.cost_usd is 'Reported or estimated cost in US dollars.';
comment on column daily_usage.cost_is_partial is 'Whether the cost of some of the calls is unknown.';

create view slow_turns as
select
    project, thread_id, turn_index, start_time, duration_ms, time_to_first_token_ms, models,
    call_count, "user", assistant, has_error, trace_ids
from turns
qualify percent_rank() over (partition by project order by duration_ms) >= 0.95;
comment on view slow_turns is 'The slowest twentieth of the turns of each project.';
comment on column slow_turns.project is 'Project.';
comment on column slow_turns.thread_id is 'Conversation id; null for traces without one.';
comment on column slow_turns.turn_index is 'Which turn of the thread, from 0.';
comment on column slow_turns.start_time is 'When it began.';
comment on column slow_turns.duration_ms is 'How long it took.';
comment on column slow_turns.time_to_first_token_ms is 'Until the first token of an answer; null when unknown.';
comment on column slow_turns.models is 'Models that took part.';
comment on column slow_turns.call_count is 'Model requests of the turn.';
comment on column slow_turns."user" is 'What the user said.';
comment on column slow_turns.assistant is 'What the assistant answered.';
comment on column slow_turns.has_error is 'Whether it ended in an error.';
comment on column slow_turns.trace_ids is 'Traces of the turn.';

create view tool_calls as
select
    t.project, t.thread_id, t.turn_index, t.trace_id, t.start_time,
    c.call ->> 'name' as name, c.call -> 'arguments' as arguments, c.call ->> 'result' as result,
    c.call ->> 'error' as error
from turns t, unnest(json_extract(t.tool_calls, '$[*]')) as c(call)
where t.tool_calls is not null;
comment on view tool_calls is 'Every tool call, a row each, in the turn that made it.';
comment on column tool_calls.project is 'Project.';
comment on column tool_calls.thread_id is 'Conversation id; null for traces without one.';
comment on column tool_calls.turn_index is 'Which turn of the thread, from 0.';
comment on column tool_calls.trace_id is 'First trace of the turn.';
comment on column tool_calls.start_time is 'When the turn began.';
comment on column tool_calls.name is 'Name of the tool.';
comment on column tool_calls.arguments is 'Arguments, as JSON.';
comment on column tool_calls.result is 'What it returned, as text; null when unknown.';
comment on column tool_calls.error is 'Why it failed; null when it did not.';

create view tool_stats as
select
    project, name, count(*) as call_count, count(error) as error_count,
    count(error) / count(*) as error_rate, count(distinct thread_id) as thread_count,
    arg_max(error, start_time) filter (error is not null) as last_error,
    max(start_time) filter (error is not null) as last_error_time
from tool_calls
group by project, name;
comment on view tool_stats is 'Tools, how often they are called and how often they fail.';
comment on column tool_stats.project is 'Project.';
comment on column tool_stats.name is 'Name of the tool.';
comment on column tool_stats.call_count is 'Calls.';
comment on column tool_stats.error_count is 'Calls that failed.';
comment on column tool_stats.error_rate is 'Their share, from 0 to 1.';
comment on column tool_stats.thread_count is 'Conversations that called it.';
comment on column tool_stats.last_error is 'Why it last failed.';
comment on column tool_stats.last_error_time is 'Start of the turn in which it last failed.';
