-- Which share of the stored rows of spans is not deleted: blocks hold the others until they are
-- rewritten. DuckDB's estimate counts them all.
select least(1.0, (select count(*) from spans) / greatest(1, (
    select estimated_size from duckdb_tables()
    where table_name = 'spans' and database_name = current_database()
)))
