-- Spans with what an SDK's record says of their model request, else what is derived of it. The span that
-- stands for a whole trace of records is none of them. A count is what derive/family.py takes as one.
select
    s.*,
    -- Ids as UUIDs, to which zeros are added.
    '00000000-0000-0000-' || s.span_id[:4] || '-' || s.span_id[5:] as span_id_uuid,
    '00000000-0000-0000-' || s.parent_span_id[:4] || '-' || s.parent_span_id[5:] as parent_span_id_uuid,
    s.rowid as fact_row, make_timestamptz(s.end_time_unix_nano // 1000) as end_time,
    coalesce(
        json_extract_string(try_cast(s.attributes['otel_threads.record.field.model'] as json), '$'),
        c.response_model, c.request_model) as model,
    coalesce(
        json_extract_string(try_cast(s.attributes['otel_threads.record.field.provider'] as json), '$'),
        c.provider) as provider,
    coalesce(
        json_extract_string(try_cast(s.attributes['otel_threads.record.field.type'] as json), '$'),
        case when c.span_id is null then 'general' else 'llm' end) as type,
    coalesce(
        try_cast(s.attributes['otel_threads.record.field.total_estimated_cost'] as double),
        c.cost_usd) as cost_usd,
    coalesce(
        try_cast(s.attributes['otel_threads.record.field.ttft'] as double),
        c.time_to_first_token_ms) as time_to_first_token_ms,
    coalesce(c.input_tokens, u.prompt_tokens) as input_tokens,
    coalesce(c.output_tokens, u.completion_tokens) as output_tokens,
    coalesce(c.total_tokens, u.total_tokens) as total_tokens
from spans s
left join calls c on c.trace_id = s.trace_id and c.span_id = s.span_id and c.project = s.project,
lateral (
    select
        case when prompt_tokens between 0 and 1000000000000 then prompt_tokens end as prompt_tokens,
        case when completion_tokens between 0 and 1000000000000 then completion_tokens end
            as completion_tokens,
        case when total_tokens between 0 and 1000000000000 then total_tokens end as total_tokens
    from (
        select
            try_cast(json_extract_string(usage, '$.prompt_tokens') as bigint) as prompt_tokens,
            try_cast(json_extract_string(usage, '$.completion_tokens') as bigint) as completion_tokens,
            try_cast(json_extract_string(usage, '$.total_tokens') as bigint) as total_tokens
        from (select try_cast(s.attributes['otel_threads.record.field.usage'] as json) as usage)
    )
) u
where s.attributes['otel_threads.record.entity'] is distinct from 'trace'
