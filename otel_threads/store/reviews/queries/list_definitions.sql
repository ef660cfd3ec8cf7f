-- How scores are given, by name; null for all projects.
select project, name, kind, min, max, categories, description, better, created_at, updated_at
from score_definitions
where $project is null or project = $project
order by project, name
limit 1000
