-- Files beside one trace or span, by name.
select * from x_attachments
where entity = $entity and entity_id = $entity_id and ($project is null or project = $project)
order by file_name, id
limit 10000
