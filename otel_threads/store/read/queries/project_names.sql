-- Every project that has traces, by name.
select distinct project from traces order by project
