-- Files beside some traces or spans, by name. $entity_ids: as json_list.
select * from x_attachments
where entity = $entity
    and entity_id in (select unnest(from_json($entity_ids, '["varchar"]')))
    and ($project is null or project = $project)
order by file_name, id
limit 10000
