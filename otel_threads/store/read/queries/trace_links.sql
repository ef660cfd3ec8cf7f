-- Links of one trace, in the order in which their spans hold them. $first, $last: bound the start.
select * from span_links
where trace_id = $trace_id and start_time >= make_timestamptz($first // 1000)
    and start_time <= make_timestamptz($last // 1000)
order by link_index
