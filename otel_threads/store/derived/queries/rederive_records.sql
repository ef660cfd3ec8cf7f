-- Note the traces of log records that tell what changed: in its thread, at its time, of a later rank.
-- changed: (project, thread_id, record_rank, start_time_unix_nano, end_time_unix_nano), $gap: in
-- nanoseconds, how far apart they may be. $fetched: the rank of those that fetch answers. work_ids: (trace_id), those that take it into account already.
insert into x_traces_to_rederive
select distinct r.trace_id
from x_record_traces r
join changed c on r.thread_id = c.thread_id and r.project = c.project
where (r.record_rank > c.record_rank
        or (r.record_rank = $fetched and c.record_rank = $fetched
            and r.end_time_unix_nano > c.end_time_unix_nano))
    and r.start_time_unix_nano - $gap <= c.end_time_unix_nano
    and r.end_time_unix_nano >= c.start_time_unix_nano - $gap
    and r.trace_id not in (select trace_id from work_ids)
    and r.trace_id not in (select trace_id from x_traces_to_rederive)
