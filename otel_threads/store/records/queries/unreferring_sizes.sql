-- Per commit the characters of long values of spans that were folded from records, if these do not refer.
select c.ingest_seq, sum(length(c.value))::bigint as size
from x_content_chunks c
semi join (
    select project, trace_id, span_id from spans where record_id is not null
) s on c.project = s.project and c.trace_id = s.trace_id and c.span_id = s.span_id
where c.chain_id is null
group by c.ingest_seq
order by c.ingest_seq
