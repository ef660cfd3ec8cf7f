-- Feedback that comes under an id of its own: its whole body, beside the score that is made of it.

create table x_feedback (
    feedback_id varchar,
    project varchar,
    thread_id varchar,
    trace_id varchar,
    span_id varchar,
    name varchar,
    source varchar,
    body varchar using compression zstd,
    created_at timestamptz,
    updated_at timestamptz
);
comment on table x_feedback is 'Internal: feedback as it was sent. Read scores instead.';
