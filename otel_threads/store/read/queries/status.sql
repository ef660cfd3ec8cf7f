-- Counts of the whole file, from table statistics and small tables.
select
    (select count(*) from spans) as spans,
    (select count(*) from traces) as traces,
    (select count(*) from x_thread_facts) as threads,
    (select count(*) from turns) as turns,
    (select count(*) from x_sdk_records) as sdk_records
