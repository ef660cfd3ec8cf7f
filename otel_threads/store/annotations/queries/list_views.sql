-- Saved selections of a project, by name.
select * from saved_views
where ($project is null or project = $project)
order by project, name
limit 1000
