"""The columns of derived rows on their way into the tables of schema/0002_derived.sql."""

import pyarrow as pa

from otel_threads.core.usage import USAGE

_S, _I, _D, _B = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_T, _L, _M = pa.timestamp("us", tz="UTC"), pa.list_(pa.string()), pa.map_(pa.string(), pa.string())
_TOKENS = [(name, _I) for name in USAGE]
_SPENT = [
    *((name, _L) for name in ("models", "providers")),
    *_TOKENS,
    ("cost_usd", _D),
    ("cost_source", _S),
    ("cost_is_partial", _B),
]
_TIMES = [
    ("start_time", _T),
    ("end_time", _T),
    ("start_time_unix_nano", _I),
    ("end_time_unix_nano", _I),
    ("duration_ms", _D),
]
_ABOUT = [*((name, _L) for name in ("services", "users", "environments", "tags")), ("metadata", _M)]
TRACES = pa.schema(
    [
        ("project", _S),
        ("trace_id", _S),
        ("trace_key", _I),
        ("thread_id", _S),
        ("thread_ids", _L),
        ("thread_id_source", _S),
        ("root_span_id", _S),
        ("name", _S),
        *_TIMES,
        ("created_at", _T),
        ("updated_at", _T),
        ("first_sequence", _I),
        ("last_sequence", _I),
        ("turn_count", _I),
        ("span_count", _I),
        ("error_count", _I),
        ("call_count", _I),
        ("first_message", _S),
        ("last_message", _S),
        ("is_copy", _B),
        *_ABOUT,
        *_SPENT,
    ]
)
SLICES = pa.schema(
    [
        ("project", _S),
        ("trace_id", _S),
        ("thread_id", _S),
        ("thread_id_source", _S),
        ("start_time_unix_nano", _I),
        ("end_time_unix_nano", _I),
        ("received_unix_nano", _I),
        ("created_unix_nano", _I),
        ("first_sequence", _I),
        ("last_sequence", _I),
        ("trace_sequence", _I),
        ("span_count", _I),
        ("error_count", _I),
        ("call_count", _I),
        *_ABOUT,
        *_SPENT,
    ]
)
CALLS = pa.schema(
    [
        ("project", _S),
        ("thread_id", _S),
        ("trace_id", _S),
        ("span_id", _S),
        ("name", _S),
        ("start_time", _T),
        ("start_time_unix_nano", _I),
        ("end_time_unix_nano", _I),
        ("duration_ms", _D),
        ("request_model", _S),
        ("response_model", _S),
        ("provider", _S),
        ("response_id", _S),
        ("reported_by", _L),
        ("finish_reasons", _L),
        *_TOKENS,
        ("cost_usd", _D),
        ("cost_source", _S),
        ("time_to_first_token_ms", _D),
        ("error_type", _S),
        ("error_message", _S),
    ]
)
EVALUATIONS = pa.schema(
    [
        ("project", _S),
        ("trace_id", _S),
        ("span_id", _S),
        ("thread_id", _S),
        ("evidence_trace_id", _S),
        ("response_id", _S),
        ("start_time_unix_nano", _I),
        ("name", _S),
        ("value", _D),
        ("category", _S),
        ("reason", _S),
        ("author", _S),
        ("created_at", _T),
    ]
)
PARTS = pa.schema(
    [
        ("project", _S),
        ("thread_id", _S),
        ("trace_id", _S),
        ("part_index", _I),
        ("start_time_unix_nano", _I),
        ("continues", _B),
    ]
)
PAYLOADS = pa.schema(
    [
        ("project", _S),
        ("trace_id", _S),
        ("part_index", _I),
        ("start_time_unix_nano", _I),
        ("chunk_index", pa.int32()),
        ("payload", _S),
    ]
)
TURNS = pa.schema(
    [
        ("project", _S),
        ("thread_id", _S),
        ("turn_index", _I),
        ("trace_id", _S),
        ("trace_ids", _L),
        ("span_id", _S),
        ("name", _S),
        *_TIMES,
        ("time_to_first_token_ms", _D),
        ("user", _S),
        ("assistant", _S),
        ("system", _S),
        ("error_type", _S),
        ("error_message", _S),
        ("has_error", _B),
        ("tool_calls", _S),
        ("call_count", _I),
        ("span_count", _I),
        ("message_count", _I),
        *_SPENT,
        ("is_cut", _B),
        ("is_truncated", _B),
    ]
)
TURN_CHUNKS = pa.schema(
    [
        ("project", _S),
        ("thread_id", _S),
        ("trace_id", _S),
        ("turn_index", _I),
        ("message_index", _I),
        ("start_time_unix_nano", _I),
        ("name", _S),
        ("chunk_index", pa.int32()),
        ("value", _S),
    ]
)
WORDS = pa.schema([("project", _S), ("thread_id", _S), ("first_message", _S), ("last_message", _S)])
MESSAGES = pa.schema(
    [
        ("project", _S),
        ("thread_id", _S),
        ("trace_id", _S),
        ("turn_index", _I),
        ("message_index", _I),
        ("start_time_unix_nano", _I),
        ("span_id", _S),
        ("role", _S),
        ("text", _S),
        ("parts", _S),
        ("tool_calls", _S),
        ("tool_call_id", _S),
        ("is_cut", _B),
    ]
)
