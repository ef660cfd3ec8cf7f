-- All spans of some traces, as the deriver reads them.
-- work_ids: (trace_id). $first: no span of them starts earlier.
select
    project, trace_id, span_id, parent_span_id, name, start_time_unix_nano, end_time_unix_nano,
    status_code, status_message, service_name, scope_name, scope_version,
    attributes, attribute_types,
    resource_attributes['gen_ai.conversation.id'] as resource_conversation_id,
    coalesce(
        resource_attributes['deployment.environment.name'],
        resource_attributes['deployment.environment'],
        resource_attributes['langfuse.environment']) as resource_environment,
    resource_attributes['telemetry.sdk.language'] as resource_language,
    try_cast(extras ->> 'dropped_attributes_count' as bigint) as dropped_attributes_count,
    epoch_us(received_at) * 1000 as received_unix_nano, ingest_seq, record_id
from spans s semi join work_ids w on s.trace_id = w.trace_id
where start_time_unix_nano >= $first
