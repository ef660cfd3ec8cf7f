-- What people keep beside conversations: projects without traces yet, settings of the workspace,
-- files beside traces and spans, and scores of spans that have not arrived.

create table x_projects (
    project varchar,
    description varchar,
    created_at timestamptz,
    updated_at timestamptz
);
comment on table x_projects is 'Internal: projects that somebody made by name; others are made by their first trace.';

create table x_workspace (name varchar, value varchar);
comment on table x_workspace is 'Internal: settings that people changed while the server ran, as JSON.';

create table x_attachments (
    id varchar,
    project varchar,
    entity varchar,
    entity_id varchar,
    trace_id varchar,
    file_name varchar,
    media_type varchar,
    size_bytes bigint,
    created_at timestamptz
);
comment on table x_attachments is 'Internal: files beside traces and spans; entity_id is the UUID of an SDK, trace_id null while the span is not here.';

create table x_attachment_chunks (id varchar, chunk_index integer, data blob);
comment on table x_attachment_chunks is 'Internal: what the files hold, in chunks of 16 KiB.';

create table x_unlinked_scores (
    record_id varchar,
    project varchar,
    name varchar,
    value double,
    category varchar,
    reason varchar,
    source varchar,
    author varchar,
    given_at timestamptz
);
comment on table x_unlinked_scores is 'Internal: scores of spans by the UUID of an SDK, until the span arrives.';

create table x_documents (
    kind varchar,
    id varchar,
    body varchar,
    created_at timestamptz,
    updated_at timestamptz
);
comment on table x_documents is 'Internal: what interfaces of other products keep as they were given it, as JSON.';
