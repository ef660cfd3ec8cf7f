"""Small OTLP requests; name only what the test is about."""

import itertools
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_numbers = itertools.count(int(time.time()) << 20)


def new_trace_id() -> bytes:
    return next(_numbers).to_bytes(16, "big")


def new_span_id() -> bytes:
    return next(_numbers).to_bytes(8, "big")


def any_value(value) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            found = AnyValue()
            found.array_value.SetInParent()
            found.array_value.values.extend(any_value(item) for item in value)
            return found
        case _:
            return AnyValue(string_value=value)


def a_span(*, attributes: dict | None = None, start: int | None = None, **fields) -> Span:
    start = start or time.time_ns()
    values = {
        "trace_id": new_trace_id(),
        "span_id": new_span_id(),
        "name": "chat",
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + 1_000_000,
    } | fields
    span = Span(**values)
    for key, value in (attributes or {}).items():
        span.attributes.add(key=key, value=any_value(value))
    return span


def a_chat(thread: str | None, user: str, assistant: str | None, **fields) -> Span:
    """A model request by the OpenTelemetry conventions."""
    import json

    def texts(role: str, text: str) -> str:
        return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])

    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.input.messages": texts("user", user),
    } | fields.pop("attributes", {})
    if assistant is not None:
        attributes["gen_ai.output.messages"] = texts("assistant", assistant)
    if thread:
        attributes["gen_ai.conversation.id"] = thread
    return a_span(attributes=attributes, **fields)


def a_request(*spans: Span, resource: dict | None = None, scope: str = "test") -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    for key, value in ({"service.name": "tests"} | (resource or {})).items():
        resource_spans.resource.attributes.add(key=key, value=any_value(value))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = scope
    scope_spans.spans.extend(spans)
    return request.SerializeToString()


def of_now(payload: bytes) -> bytes:
    """Return a recorded request as if it had been sent just now: doctor tells replays."""
    request = ExportTraceServiceRequest.FromString(payload)
    spans = [s for r in request.resource_spans for one in r.scope_spans for s in one.spans]
    shift = time.time_ns() - max(span.end_time_unix_nano for span in spans)
    for span in spans:
        span.start_time_unix_nano += shift
        span.end_time_unix_nano += shift
    return request.SerializeToString()
