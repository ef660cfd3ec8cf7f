-- Results of a run, in the order in which they came; null leaves a condition out.
select * exclude (evaluation_id) from evaluation_results
where evaluation_id = $evaluation_id
    and ($item_id is null or item_id = $item_id)
    and ($name is null or name = $name)
    and ($failed is null or (error is not null) = $failed)
order by rowid
limit $limit offset $offset
