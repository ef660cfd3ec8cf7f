-- Items of a version of a data set, in their order, from the place $after on.
select item_id, project, thread_id, messages, expected, scenario, metadata, item_index
from evaluation_items
where dataset = $name and version = $version and item_index > $after and item_index <= $after + $limit
order by item_index
