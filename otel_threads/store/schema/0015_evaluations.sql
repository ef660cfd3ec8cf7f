-- How scores are to be given, queues of threads that people review, and offline evaluations: data sets,
-- runs of scorers, their results. Written by people and programs, never by deriving.

create table score_definitions (
    project varchar,
    name varchar,
    kind varchar,
    min double,
    max double,
    categories struct(label varchar, value double)[],
    description varchar,
    better varchar,
    created_at timestamptz,
    updated_at timestamptz
);
comment on table score_definitions is 'How scores of a name are given.';
comment on column score_definitions.project is 'Project.';
comment on column score_definitions.name is 'Name of the scores, unique within the project.';
comment on column score_definitions.kind is 'numeric, categorical or boolean.';
comment on column score_definitions.min is 'Least value; null for no bound.';
comment on column score_definitions.max is 'Greatest value; null for no bound.';
comment on column score_definitions.categories is 'Labels that may be given, and the numbers that they stand for.';
comment on column score_definitions.description is 'What is scored, as given.';
comment on column score_definitions.better is 'higher or lower: which values are good; null where neither is.';
comment on column score_definitions.created_at is 'When it was first written.';
comment on column score_definitions.updated_at is 'When it was last written.';

create table review_queues (
    queue_id varchar,
    project varchar,
    name varchar,
    filter varchar,
    thread_ids varchar[],
    score_names varchar[],
    reviewers_per_thread bigint,
    instructions varchar,
    created_at timestamptz,
    updated_at timestamptz
);
comment on table review_queues is 'Queues of threads that people review.';
comment on column review_queues.queue_id is 'Id of the queue.';
comment on column review_queues.project is 'Project.';
comment on column review_queues.name is 'Name, as given.';
comment on column review_queues.filter is 'Which threads, in the language of docs/filters.md; null where they are named.';
comment on column review_queues.thread_ids is 'Threads that are named; null where a filter selects them.';
comment on column review_queues.score_names is 'Scores that reviewers give.';
comment on column review_queues.reviewers_per_thread is 'How many people review each thread.';
comment on column review_queues.instructions is 'What reviewers are told.';
comment on column review_queues.created_at is 'When it was made.';
comment on column review_queues.updated_at is 'When it was last changed.';

create table reviews (
    queue_id varchar,
    project varchar,
    thread_id varchar,
    reviewer varchar,
    done_at timestamptz
);
comment on table reviews is 'Threads of queues that reviewers have done, a row a reviewer.';
comment on column reviews.queue_id is 'Queue.';
comment on column reviews.project is 'Project of the thread.';
comment on column reviews.thread_id is 'Conversation id.';
comment on column reviews.reviewer is 'Who reviewed it: the author of the scores.';
comment on column reviews.done_at is 'When it was done.';

create table x_review_locks (
    queue_id varchar,
    thread_id varchar,
    reviewer varchar,
    locked_until timestamptz
);
comment on table x_review_locks is 'Internal: threads that somebody reviews at the moment.';

create table evaluation_datasets (
    name varchar,
    version bigint,
    item_count bigint,
    source varchar,
    created_at timestamptz,
    author varchar
);
comment on table evaluation_datasets is 'Versions of data sets of conversations; a version never changes.';
comment on column evaluation_datasets.name is 'Name of the data set.';
comment on column evaluation_datasets.version is 'From 1.';
comment on column evaluation_datasets.item_count is 'Items of this version.';
comment on column evaluation_datasets.source is 'Where they come from: a filter or an import, as JSON.';
comment on column evaluation_datasets.created_at is 'When the version was made.';
comment on column evaluation_datasets.author is 'Who made it, as given.';

create table evaluation_items (
    dataset varchar,
    version bigint,
    item_index bigint,
    item_id varchar,
    project varchar,
    thread_id varchar,
    messages varchar using compression zstd,
    expected varchar using compression zstd,
    scenario varchar,
    metadata varchar
);
comment on table evaluation_items is 'Conversations of data sets, as they were when the version was made.';
comment on column evaluation_items.dataset is 'Name of the data set.';
comment on column evaluation_items.version is 'Its version.';
comment on column evaluation_items.item_index is 'Place in the version, from 0.';
comment on column evaluation_items.item_id is 'Id, unique within the version.';
comment on column evaluation_items.project is 'Project of the thread that it is a copy of.';
comment on column evaluation_items.thread_id is 'Thread that it is a copy of; null for none.';
comment on column evaluation_items.messages is 'Messages in OpenAI''s shape, as JSON.';
comment on column evaluation_items.expected is 'What is expected of it, as JSON.';
comment on column evaluation_items.scenario is 'What is tried, as given.';
comment on column evaluation_items.metadata is 'Whatever else came with it, as JSON.';

create table evaluations (
    evaluation_id varchar,
    name varchar,
    project varchar,
    dataset varchar,
    dataset_version bigint,
    filter varchar,
    scorers struct(name varchar, version varchar)[],
    metadata varchar,
    item_count bigint,
    started_at timestamptz,
    finished_at timestamptz
);
comment on table evaluations is 'Runs of scorers over conversations.';
comment on column evaluations.evaluation_id is 'Id of the run.';
comment on column evaluations.name is 'Name, as given; several runs may have it.';
comment on column evaluations.project is 'Project.';
comment on column evaluations.dataset is 'Data set whose items were scored; null for threads.';
comment on column evaluations.dataset_version is 'Version of the data set.';
comment on column evaluations.filter is 'Filter that selected the threads.';
comment on column evaluations.scorers is 'Scorers with their versions.';
comment on column evaluations.metadata is 'Commit, model and what else was noted, as JSON.';
comment on column evaluations.item_count is 'Items to score; null is unknown.';
comment on column evaluations.started_at is 'When it began.';
comment on column evaluations.finished_at is 'When it ended; null while it runs, or where it broke off.';

create table evaluation_results (
    evaluation_id varchar,
    item_id varchar,
    project varchar,
    thread_id varchar,
    scorer varchar,
    name varchar,
    value double,
    category varchar,
    reason varchar,
    error varchar,
    duration_ms double,
    cost_usd double,
    created_at timestamptz
);
comment on table evaluation_results is 'What each scorer gave each item of a run.';
comment on column evaluation_results.evaluation_id is 'Run.';
comment on column evaluation_results.item_id is 'Item: an id of the data set, or the thread''s.';
comment on column evaluation_results.project is 'Project of the thread.';
comment on column evaluation_results.thread_id is 'Thread that was scored; null for an item that is none.';
comment on column evaluation_results.scorer is 'Scorer.';
comment on column evaluation_results.name is 'Name of the score; null where the scorer failed or found none.';
comment on column evaluation_results.value is 'Number; null when there is only a category.';
comment on column evaluation_results.category is 'Category; null when there is only a number.';
comment on column evaluation_results.reason is 'Why, as the scorer says.';
comment on column evaluation_results.error is 'Why there is no score; null when there is one.';
comment on column evaluation_results.duration_ms is 'How long the scorer took; null is unknown.';
comment on column evaluation_results.cost_usd is 'What it cost in US dollars; null is unknown.';
comment on column evaluation_results.created_at is 'When it was scored.';

-- Upper fences: three ranges between the quartiles above the third one.
create view project_ranges as
with t as (
    select project, quantile_cont(duration_ms, [0.25, 0.75]) as q, count(duration_ms) as found
    from turns group by project
),
c as (
    select project, quantile_cont(cost_usd, [0.25, 0.75]) as q, count(cost_usd) as found
    from x_thread_facts group by project
)
select
    project, case when t.found >= 20 then t.q[2] + 3 * (t.q[2] - t.q[1]) end as turn_duration_ms_max,
    case when c.found >= 20 then c.q[2] + 3 * (c.q[2] - c.q[1]) end as cost_usd_max
from t full join c using (project);
comment on view project_ranges is 'What is usual in a project: a turn above is slow, a thread above costs too much.';
comment on column project_ranges.project is 'Project.';
comment on column project_ranges.turn_duration_ms_max is 'Third quartile of the turns'' durations and three times the range between the quartiles; null below 20 turns.';
comment on column project_ranges.cost_usd_max is 'The same of the threads'' costs; null where fewer than 20 are known.';
