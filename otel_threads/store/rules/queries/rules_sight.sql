-- Decides at first sight which threads are of a rule's sample: by a hash of the thread, so that all
-- rules of one rate judge the same threads. What was decided stays.
-- $sighted: the commit up to which rules have looked.
insert into rule_decisions by name
select
    s.rule_id, s.project, s.thread_id, s.is_sampled,
    case when s.is_sampled then 'waiting' else 'sampled_out' end as state,
    case when not s.is_sampled then 'not of the sample: sampling_rate ' || s.sampling_rate end as reason,
    s.last_trace_sequence as trace_sequence, 0 as attempt_count, now() as queued_at,
    now() as decided_at
from (
    select
        r.rule_id, r.sampling_rate, t.project, t.thread_id, t.last_trace_sequence,
        ('0x' || substr(md5(t.project || '/' || t.thread_id), 1, 15))::bigint
            / 1152921504606846976.0 < r.sampling_rate as is_sampled
    from x_thread_facts t
    join rules r on r.is_enabled and (r.project = t.project or r.project = '*')
        and t.last_sequence > r.since_sequence
        and (r.filter_time = 'inactive' or t.first_sequence > r.since_sequence)
    anti join rule_decisions d
        on d.rule_id = r.rule_id and d.project = t.project and d.thread_id = t.thread_id
    where t.last_sequence > $sighted
) s
