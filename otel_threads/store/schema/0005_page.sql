-- What the page shows as a turn's input and output, chosen per project.

alter table project_settings add column input_path varchar;
alter table project_settings add column output_path varchar;
