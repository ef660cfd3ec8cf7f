-- Which issues somebody closed. Issues themselves are found anew at each call.

create table x_issue_states (
    project varchar not null,
    issue_id varchar not null,
    closed_at timestamptz not null
);
comment on table x_issue_states is 'Internal: issues that somebody closed, and when.';
