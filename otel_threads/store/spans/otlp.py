"""A stored trace as the OTLP request that would store it again. Pure, but for the row shapes.

Source: opentelemetry-proto, collector/trace/v1/trace_service.proto.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import EntityRef, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from otel_threads.decode import values
from otel_threads.store.spans.content import Content, Key
from otel_threads.store.spans.span_rows import with_more

Row = dict[str, Any]
Parts = Mapping[str, Mapping[Key, Sequence[Row]]]
Long = tuple[int | None, str, str]  # a long value: index of its event, key, text


def request(raw: Sequence[Row], content: Content, parts: Parts) -> ExportTraceServiceRequest:
    """Return the spans of rows of trace_spans.sql, grouped by resource and scope as they were."""
    found = ExportTraceServiceRequest()
    resources: dict[bytes, ResourceSpans] = {}
    scopes: dict[tuple[bytes, bytes], ScopeSpans] = {}
    for row in raw:
        extras = orjson.loads(row["extras"]) if row["extras"] else {}
        resource_key = _key(row, extras, "resource")
        scope_key = (resource_key, _key(row, extras, "scope"))
        if resource_key not in resources:
            resources[resource_key] = _resource(found, row, extras)
        if scope_key not in scopes:
            scopes[scope_key] = _scope(resources[resource_key], row, extras)
        _span(scopes[scope_key].spans.add(), row, extras, content, parts)
    return found


def _key(row: Row, extras: Row, prefix: str) -> bytes:
    own = {k: v for k, v in row.items() if k.startswith(f"{prefix}_")}
    more = {k: v for k, v in extras.items() if k.startswith(f"{prefix}_")}
    return orjson.dumps([own, more], option=orjson.OPT_SORT_KEYS)


def _resource(found: ExportTraceServiceRequest, row: Row, extras: Row) -> ResourceSpans:
    one: ResourceSpans = found.resource_spans.add(schema_url=extras.get("resource_schema_url", ""))
    _fill(one.resource.attributes, row["resource_attributes"], row["resource_attribute_types"], {})
    one.resource.dropped_attributes_count = extras.get("resource_dropped_attributes_count", 0)
    for ref in extras.get("resource_entity_refs", ()):
        one.resource.entity_refs.append(EntityRef.FromString(base64.b64decode(ref)))
    return one


def _scope(resource: ResourceSpans, row: Row, extras: Row) -> ScopeSpans:
    one: ScopeSpans = resource.scope_spans.add(schema_url=extras.get("scope_schema_url", ""))
    one.scope.name, one.scope.version = row["scope_name"] or "", row["scope_version"] or ""
    one.scope.dropped_attributes_count = extras.get("scope_dropped_attributes_count", 0)
    for key, (text, letter) in extras.get("scope_attributes", {}).items():
        one.scope.attributes.add(key=key, value=values.decode(text, letter))
    return one


def _span(span: ProtoSpan, row: Row, extras: Row, content: Content, parts: Parts) -> None:
    key = (row["project"], row["trace_id"], row["span_id"])
    long = content.get(key, ())
    span.trace_id = bytes.fromhex(row["trace_id"])
    span.span_id = bytes.fromhex(row["span_id"])
    span.parent_span_id = bytes.fromhex(row["parent_span_id"] or "")
    span.trace_state = extras.get("trace_state", "")
    span.flags = row["flags"] or 0
    span.name = row["name"]
    span.kind = ProtoSpan.SpanKind.Value(f"SPAN_KIND_{row['kind'].upper()}")
    span.start_time_unix_nano = row["start_time_unix_nano"]
    span.end_time_unix_nano = row["end_time_unix_nano"]
    if row["status_code"] != "unset" or row["status_message"]:
        span.status.code = Status.StatusCode.Value(f"STATUS_CODE_{row['status_code'].upper()}")
        span.status.message = row["status_message"]
    for name in ("attributes", "events", "links"):
        dropped = f"dropped_{name}_count"
        setattr(span, dropped, extras.get(dropped, 0))
    _fill(span.attributes, row["attributes"], row["attribute_types"], _long(long, None))
    _add_events(span, parts["events"].get(key, ()), long)
    _add_links(span, parts["links"].get(key, ()))


def _add_events(span: ProtoSpan, events: Iterable[Row], long: Iterable[Long]) -> None:
    for event in events:
        one = span.events.add(name=event["name"], time_unix_nano=event["time_unix_nano"])
        one.dropped_attributes_count = event["dropped_attributes_count"] or 0
        apart = _long(long, event["event_index"])
        _fill(one.attributes, event["attributes"], event["attribute_types"], apart)


def _add_links(span: ProtoSpan, links: Iterable[Row]) -> None:
    for link in links:
        other = span.links.add(
            trace_id=bytes.fromhex(link["linked_trace_id"]),
            span_id=bytes.fromhex(link["linked_span_id"]),
            trace_state=link["trace_state"] or "",
            flags=link["flags"] or 0,
            dropped_attributes_count=link["dropped_attributes_count"] or 0,
        )
        _fill(other.attributes, link["attributes"], link["attribute_types"], {})


def _long(long: Iterable[Long], event: int | None) -> dict[str, str]:
    return {key: value for index, key, value in long if index == event}


def _fill(
    target: Any, attributes: Mapping[str, str | None], types: str, apart: Mapping[str, str]
) -> None:
    pairs, types = with_more([*attributes.items()], types, apart)
    for (key, text), letter in zip(pairs, types, strict=True):
        known = text if text is not None else apart.get(key)
        target.append(KeyValue(key=key, value=values.decode(known, letter)))
