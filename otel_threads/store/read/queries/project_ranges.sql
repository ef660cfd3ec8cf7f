-- What is usual in a project: the third quartile and three times the range between the quartiles.
-- $project: the project. Null where there are fewer than 20.
select
    (
        select quantile_cont(duration_ms, 0.75)
            + 3 * (quantile_cont(duration_ms, 0.75) - quantile_cont(duration_ms, 0.25))
        from turns where project = $project having count(duration_ms) >= 20
    ) as turn_duration_ms_max,
    (
        select quantile_cont(cost_usd, 0.75)
            + 3 * (quantile_cont(cost_usd, 0.75) - quantile_cont(cost_usd, 0.25))
        from x_thread_facts where project = $project having count(cost_usd) >= 20
    ) as cost_usd_max
