-- How many of selected threads are active. `selected` is put before this.
select count(*) as active_count from selected where status = 'active'
