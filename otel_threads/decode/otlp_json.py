"""OTLP/JSON into the same protobuf messages that the binary encoding gives.

OTLP's JSON is protobuf's JSON mapping with one exception: trace and span ids are hex, where
protobuf reads every `bytes` field as base64, and hex happens to be valid base64. So the ids are
rewritten first. Unknown fields are ignored and enums may be numbers, as the specification asks.

Source: OTLP specification 1.11, "JSON Protobuf Encoding".
"""

import base64
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_threads.errors import InvalidPayload
from otel_threads.model import Signal

_MESSAGES: dict[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}
_IDS = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")
# Where records with ids can be: requests hold resources, which hold scopes, which hold records.
_BELOW = (
    "resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "spans", "links",
    "resourceLogs", "resource_logs", "scopeLogs", "scope_logs", "logRecords", "log_records",
)  # fmt: skip


def to_wire(signal: Signal, body: bytes) -> bytes:
    """Return the protobuf bytes of a JSON request.

    An id that is not hex becomes an id of wrong length, so that its span is refused alone.

    Raises:
        InvalidPayload: not JSON, or not of the message's shape; the text says where.
    """
    name = _MESSAGES[signal].__name__
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidPayload(f"not JSON: {error}") from None
    if not isinstance(tree, dict):
        raise InvalidPayload(f"not an {name}: a JSON object is needed")
    _rewrite_ids(tree)
    try:
        message = json_format.ParseDict(tree, _MESSAGES[signal](), ignore_unknown_fields=True)
    except (json_format.ParseError, RecursionError, ValueError, TypeError) as error:
        raise InvalidPayload(f"not an {name}: {error}") from None
    return message.SerializeToString()


def _rewrite_ids(node: dict[str, Any]) -> None:
    for key in _IDS:
        if isinstance(node.get(key), str):
            node[key] = _base64_of_hex(node[key])
    for key in _BELOW:
        children = node.get(key)
        if isinstance(children, list):
            for child in children:
                if isinstance(child, dict):
                    _rewrite_ids(child)


def _base64_of_hex(text: str) -> str:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b"?"  # one byte: refused as an id of wrong length
    return base64.b64encode(raw).decode()
