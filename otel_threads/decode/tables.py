"""The Arrow schemas of the raw tables, without `ingest_seq`, which the writer adds."""

import pyarrow as pa

MAP = pa.map_(pa.string(), pa.string())
KEYS = ("project", "trace_id", "span_id", "start_time")
CHILDREN = ("x_content_chunks", "span_events", "span_links")
_S, _I, _TIME = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC")
SPANS = pa.schema(
    [
        ("received_at", _TIME),
        ("project", _S),
        ("trace_id", _S),
        ("span_id", _S),
        ("parent_span_id", _S),
        ("flags", _I),
        ("name", _S),
        ("kind", _S),
        ("start_time", _TIME),
        ("start_time_unix_nano", _I),
        ("end_time_unix_nano", _I),
        ("duration_ms", pa.float64()),
        ("status_code", _S),
        ("status_message", _S),
        ("attributes", MAP),
        ("attribute_types", _S),
        ("service_name", _S),
        ("resource_attributes", MAP),
        ("resource_attribute_types", _S),
        ("scope_name", _S),
        ("scope_version", _S),
        ("extras", _S),
    ]
)
_KEYS = [("project", _S), ("trace_id", _S), ("span_id", _S), ("start_time", _TIME)]
CONTENT = pa.schema(
    [
        *_KEYS,
        ("event_index", pa.int32()),
        ("key", _S),
        ("value", _S),  # whole: the writer cuts it, and leaves out what an earlier one has
        ("span_row", _I),
    ]
)
EVENTS = pa.schema(
    [
        *_KEYS,
        ("event_index", pa.int32()),
        ("name", _S),
        ("time_unix_nano", _I),
        ("attributes", MAP),
        ("attribute_types", _S),
        ("dropped_attributes_count", _I),
        ("span_row", _I),
    ]
)
LINKS = pa.schema(
    [
        *_KEYS,
        ("link_index", pa.int32()),
        ("linked_trace_id", _S),
        ("linked_span_id", _S),
        ("trace_state", _S),
        ("attributes", MAP),
        ("attribute_types", _S),
        ("dropped_attributes_count", _I),
        ("flags", _I),
        ("span_row", _I),
    ]
)
EMPTY = {
    "spans": SPANS.empty_table(),
    "x_content_chunks": CONTENT.empty_table(),
    "span_events": EVENTS.empty_table(),
    "span_links": LINKS.empty_table(),
}
