-- What pruning would delete: traces, spans, threads that would lose their last trace.
with t as (
    select project, thread_ids, span_count, end_time < $before
        and ($project is null or project = $project)
        and not list_contains($others::varchar[], project) as goes
    from traces
)
select
    (select count(*) from t where goes) as trace_count,
    (select coalesce(sum(span_count), 0)::bigint from t where goes) as span_count,
    (
        select count(*) from (
            select project, thread_id from (select project, goes, unnest(thread_ids) as thread_id from t)
            group by project, thread_id having bool_and(goes)
        )
    ) as thread_count
