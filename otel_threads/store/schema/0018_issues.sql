-- Which issues somebody closed. Issues themselves are found anew at each call.

create table x_issue_states (
    project varchar,
    issue_id varchar,
    closed_at timestamptz
);
comment on table x_issue_states is 'Internal: issues that somebody closed, and when.';
