-- Rules that judge inactive threads. What a rule decided about a thread stands in one row, each of its
-- runs, which may cost money, in another. Written by people and by the runner, never by deriving.

create table rules (
    rule_id varchar,
    version bigint,
    name varchar,
    project varchar,
    kind varchar,
    is_enabled boolean,
    filter varchar,
    filter_time varchar,
    sampling_rate double,
    budget_usd_per_day double,
    definition varchar,
    judge_version varchar,
    since_sequence bigint,
    created_at timestamptz,
    updated_at timestamptz,
    author varchar
);
comment on table rules is 'Rules that judge threads which have become inactive.';
comment on column rules.rule_id is 'Id of the rule.';
comment on column rules.version is 'From 1; one more with each change.';
comment on column rules.name is 'Name, unique within the project; the author of its scores is rule: and the name.';
comment on column rules.project is 'Project whose threads it judges; * for all.';
comment on column rules.kind is 'llm_judge, python or builtin.';
comment on column rules.is_enabled is 'Whether it judges.';
comment on column rules.filter is 'Which threads, in the language of docs/filters.md; null for all.';
comment on column rules.filter_time is 'When the filter is looked at: inactive, or first_sight.';
comment on column rules.sampling_rate is 'Share of the threads, 0 to 1.';
comment on column rules.budget_usd_per_day is 'What its runs may cost a day in US dollars; null for no limit of its own.';
comment on column rules.definition is 'Model, prompt, outputs and code, as JSON.';
comment on column rules.judge_version is 'Hash of prompt, model, outputs and code.';
comment on column rules.since_sequence is 'Commit after which threads have to be active for the rule to see them.';
comment on column rules.created_at is 'When it was made.';
comment on column rules.updated_at is 'When it was last changed.';
comment on column rules.author is 'Who made it, as given.';

create table rule_decisions (
    rule_id varchar,
    project varchar,
    thread_id varchar,
    state varchar,
    reason varchar,
    is_sampled boolean,
    is_matched boolean,
    scores varchar,
    cost_usd double,
    judge_version varchar,
    trace_sequence bigint,
    attempt_count bigint,
    backfill_id varchar,
    queued_at timestamptz,
    retry_at timestamptz,
    decided_at timestamptz
);
comment on table rule_decisions is 'What each rule decided about each thread that it saw, and why.';
comment on column rule_decisions.rule_id is 'Id of the rule.';
comment on column rule_decisions.project is 'Project of the thread.';
comment on column rule_decisions.thread_id is 'Conversation id.';
comment on column rule_decisions.state is 'waiting, sampled_out, not_matched, over_budget, scored or failed.';
comment on column rule_decisions.reason is 'Why.';
comment on column rule_decisions.is_sampled is 'Whether the thread is of the sample: decided at first sight, and kept.';
comment on column rule_decisions.is_matched is 'Whether the filter matched when it was looked at; null before.';
comment on column rule_decisions.scores is 'The scores that were written, as JSON.';
comment on column rule_decisions.cost_usd is 'What the run cost in US dollars; null is unknown.';
comment on column rule_decisions.judge_version is 'Judge that scored.';
comment on column rule_decisions.trace_sequence is 'State of the thread: commit in which its newest trace first appeared.';
comment on column rule_decisions.attempt_count is 'Runs that failed so far and may be retried.';
comment on column rule_decisions.backfill_id is 'Backfill that queued it; null for the rule itself.';
comment on column rule_decisions.queued_at is 'Since when it waits or waited.';
comment on column rule_decisions.retry_at is 'No run before this time; null for at once.';
comment on column rule_decisions.decided_at is 'When the state last changed.';

create table rule_runs (
    run_id varchar,
    rule_id varchar,
    kind varchar,
    project varchar,
    thread_id varchar,
    judge_version varchar,
    outcome varchar,
    model varchar,
    input_tokens bigint,
    output_tokens bigint,
    cost_usd double,
    backfill_id varchar,
    finished_at timestamptz
);
comment on table rule_runs is 'Every run of a rule that came to an end, with what it cost: the budgets count these.';
comment on column rule_runs.run_id is 'Id of the run.';
comment on column rule_runs.rule_id is 'Id of the rule.';
comment on column rule_runs.kind is 'online, backfill or dry_run.';
comment on column rule_runs.project is 'Project of the thread.';
comment on column rule_runs.thread_id is 'Conversation id; null once the thread was deleted.';
comment on column rule_runs.judge_version is 'Judge that ran.';
comment on column rule_runs.outcome is 'scored, failed, or retry.';
comment on column rule_runs.model is 'Model that answered.';
comment on column rule_runs.input_tokens is 'Input tokens; null is unknown.';
comment on column rule_runs.output_tokens is 'Output tokens; null is unknown.';
comment on column rule_runs.cost_usd is 'Cost in US dollars; null is unknown.';
comment on column rule_runs.backfill_id is 'Backfill that it belongs to.';
comment on column rule_runs.finished_at is 'When its outcome was stored.';

create table x_rule_backfills (
    backfill_id varchar,
    rule_id varchar,
    budget_usd double,
    created_at timestamptz
);
comment on table x_rule_backfills is 'Internal: backfills of rules with their budgets.';

create table x_rule_log (
    rule_id varchar,
    logged_at timestamptz,
    level varchar,
    message varchar,
    project varchar,
    thread_id varchar
);
comment on table x_rule_log is 'Internal: what each rule did, a line a step.';

create table x_rule_progress (sighted_sequence bigint);
comment on table x_rule_progress is 'Internal: up to which commit rules have looked at threads, one row.';

-- Which judge gave a score.
alter table x_score_records add column metadata map(varchar, varchar);

create or replace view scores as
with s as (select bool_or(value = 'supersede') as supersede from x_settings where name = 'scores_on_new_trace')
select
    r.project, r.thread_id, r.trace_id, r.span_id, r.turn_index, r.name, r.value, r.category,
    r.reason, r.source, r.author, r.metadata, r.created_at, r.updated_at,
    case when (select supersede from s) and r.trace_id is null and r.turn_index is null
            and f.last_trace_sequence > greatest(r.sequence, f.first_sequence)
        then f.last_trace_at end as superseded_at
from x_score_records r
left join x_thread_facts f on f.thread_id = r.thread_id and f.project = r.project
union all by name
select
    e.project, null::varchar as thread_id, coalesce(c.trace_id, e.trace_id) as trace_id,
    coalesce(c.span_id, e.span_id) as span_id, e.name, e.value, e.category, e.reason,
    'otel' as source, e.author, e.created_at, e.created_at as updated_at,
    null::timestamptz as superseded_at
from x_evaluations e
left join (
    select project, response_id, min(trace_id) as trace_id, arg_min(span_id, trace_id) as span_id
    from calls
    where response_id in (select response_id from x_evaluations where response_id is not null)
    group by project, response_id
) c on c.response_id = e.response_id and c.project = e.project;
comment on view scores is 'Named numbers and categories on threads, turns, traces and spans.';
comment on column scores.project is 'Project.';
comment on column scores.thread_id is 'Thread that is scored; null when a trace or span is.';
comment on column scores.trace_id is 'Trace that is scored; null when a thread is.';
comment on column scores.span_id is 'Span that is scored; null when a whole trace or thread is.';
comment on column scores.turn_index is 'Turn of the thread that is scored, where it was not here yet; a turn that is here is scored at its span.';
comment on column scores.name is 'Name of the score.';
comment on column scores.value is 'Number; null when there is only a category.';
comment on column scores.category is 'Category; null when there is only a number.';
comment on column scores.reason is 'Why, as given.';
comment on column scores.source is 'ui, sdk, api, online, or otel for evaluation events.';
comment on column scores.author is 'Who or what scored, as given.';
comment on column scores.created_at is 'When it was first given.';
comment on column scores.updated_at is 'When it was last given.';
comment on column scores.superseded_at is 'When a new trace made it history; null while it counts.';
comment on column scores.metadata is 'What the author added: the judge_version of a rule; null for nothing.';
