-- Spans that scores or files name and that were not here when these came, the oldest first.
select record_id from (
    select record_id, min(given_at) as given_at from x_unlinked_scores group by record_id
    union all
    select entity_id, min(created_at) from x_attachments
    where entity = 'span' and trace_id is null group by entity_id
)
group by record_id
order by min(given_at)
limit 1000
