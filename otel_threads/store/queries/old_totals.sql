-- What pruning would delete: traces, spans, threads that would lose their last trace.
with t as (
    select project, trace_id, end_time < $before and ($project is null or project = $project)
        and not list_contains($others::varchar[], project) as goes, span_count
    from traces
)
select
    (select count(*) from t where goes) as trace_count,
    (select coalesce(sum(span_count), 0)::bigint from t where goes) as span_count,
    (
        select count(*) from (
            select s.project, s.thread_id from trace_slices s join t using (trace_id)
            where s.thread_id is not null and t.project = s.project
            group by s.project, s.thread_id having bool_and(goes)
        )
    ) as thread_count
