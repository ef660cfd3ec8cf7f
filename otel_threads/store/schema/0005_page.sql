-- What the page needs: comments on spans, and what it shows as a turn's input and output.

alter table comments add column span_id varchar;
comment on column comments.span_id is 'Span id of the trace; null when the comment is on the trace or the thread.';

alter table project_settings add column input_path varchar;
alter table project_settings add column output_path varchar;
