-- What SQL sees of issues, how a model names them, and what questions to models cost.

create table x_issues (
    issue_id varchar,
    project varchar,
    kind varchar,
    title varchar,
    first_seen_time timestamptz,
    last_seen_time timestamptz,
    thread_count bigint,
    turn_count bigint,
    thread_ids varchar[],
    filter varchar,
    trend struct("day" date, turn_count bigint)[],
    counted_at timestamptz
);
comment on table x_issues is 'Internal: issues of the last 30 days as they were counted last.';

create table x_issue_names (
    project varchar,
    issue_id varchar,
    name varchar,
    model varchar,
    named_at timestamptz
);
comment on table x_issue_names is 'Internal: what a model calls issues; null where it was asked and gave no name.';

create view issues as
select
    i.issue_id, i.project, i.kind, i.title, n.name,
    case when s.closed_at >= i.last_seen_time then 'closed' else 'open' end as state,
    coalesce(s.closed_at < i.last_seen_time, false) as is_reopened,
    s.closed_at, i.first_seen_time, i.last_seen_time, i.thread_count, i.turn_count, i.thread_ids,
    i.filter, i.trend, i.counted_at
from x_issues i
left join x_issue_states s on s.project = i.project and s.issue_id = i.issue_id
left join x_issue_names n on n.project = i.project and n.issue_id = i.issue_id;
comment on view issues is 'Failures that several threads have in common, of the last 30 days. A query over a running server counts them anew.';
comment on column issues.issue_id is 'Id; the same failure has the same.';
comment on column issues.project is 'Project.';
comment on column issues.kind is 'error, tool or unanswered.';
comment on column issues.title is 'What its failures have in common; from what spans brought.';
comment on column issues.name is 'What a model calls it; null without one.';
comment on column issues.state is 'open or closed.';
comment on column issues.is_reopened is 'Whether a turn failed so after it was closed.';
comment on column issues.closed_at is 'When somebody closed it.';
comment on column issues.first_seen_time is 'Start of its earliest turn.';
comment on column issues.last_seen_time is 'Start of its latest turn.';
comment on column issues.thread_count is 'Threads.';
comment on column issues.turn_count is 'Turns.';
comment on column issues.thread_ids is 'The latest threads, 50 at most.';
comment on column issues.filter is 'Filter that selects these threads.';
comment on column issues.trend is 'Turns of each of its last 14 days, the earliest first.';
comment on column issues.counted_at is 'When it was counted.';

create table ask_runs (
    kind varchar,
    project varchar,
    model varchar,
    input_tokens bigint,
    output_tokens bigint,
    cost_usd double,
    finished_at timestamptz
);
comment on table ask_runs is 'Every call of a model for a question or for the name of an issue, with what it cost: the budget of questions counts these.';
comment on column ask_runs.kind is 'question or issue_name.';
comment on column ask_runs.project is 'Project that was asked about; null for all.';
comment on column ask_runs.model is 'Model that answered.';
comment on column ask_runs.input_tokens is 'Input tokens; null is unknown.';
comment on column ask_runs.output_tokens is 'Output tokens; null is unknown.';
comment on column ask_runs.cost_usd is 'Cost in US dollars; null is unknown.';
comment on column ask_runs.finished_at is 'When the answer had come.';
