-- Tables of the lake that have rows, or had some: those without a file take long to look at for nothing.
select table_name from ducklake_table_info('lake') where file_count > 0
