"""The rows of a request, read one object at a time with OTLP's own message classes.

Independent of decode/columns.py but for the text of single values: that is what it is held to.
"""

import base64
import json
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_threads.decode import values

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
CODES = ("unset", "ok", "error")
LONG = 257


class Refused(Exception):
    """The span cannot be kept."""


def tables(payload: bytes) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """Return rows by table, without the columns that a reader adds, and how many were refused.

    Raises:
        DecodeError: not a request.
    """
    request = ExportTraceServiceRequest.FromString(payload)
    found: dict[str, list] = {
        "spans": [],
        "x_content_chunks": [],
        "span_events": [],
        "span_links": [],
    }
    refused = 0
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                try:
                    for table, rows in _span(resource_spans, scope_spans, span).items():
                        found[table] += rows
                except Refused:
                    refused += 1
    return found, refused


def _pairs(attributes) -> tuple[dict[str, str | None], str]:
    last = {}
    for pair in attributes:
        last.pop(pair.key, None)
        last[pair.key] = values.encode(pair.value)
    return {k: text for k, (text, _) in last.items()}, "".join(
        letter for _, letter in last.values()
    )


def _long(texts: dict[str, str | None]) -> tuple[dict[str, str | None], dict[str, str]]:
    apart = {k: t for k, t in texts.items() if t is not None and len(t.encode()) >= LONG}
    return {k: None if k in apart else t for k, t in texts.items()}, apart


def _span(resource_spans, scope_spans, span) -> dict[str, list[dict[str, Any]]]:
    for value, length in ((span.trace_id, 16), (span.span_id, 8)):
        if len(value) != length or not any(value):
            raise Refused
    if len(span.parent_span_id) not in (0, 8):
        raise Refused
    times = [span.start_time_unix_nano, span.end_time_unix_nano]
    if max(times + [event.time_unix_nano for event in span.events]) >= 2**63:
        raise Refused
    keys = {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex()}
    texts, letters = _pairs(span.attributes)
    short, apart = _long(texts)
    resource_texts, resource_letters = _pairs(resource_spans.resource.attributes)
    content = [
        row
        for k, v in apart.items()
        for row in [{**keys, "event_index": None, "key": k, "value": v}]
    ]
    events = []
    for i, event in enumerate(span.events):
        event_texts, event_letters = _pairs(event.attributes)
        event_short, event_apart = _long(event_texts)
        content += [
            row
            for k, v in event_apart.items()
            for row in [{**keys, "event_index": i, "key": k, "value": v}]
        ]
        events.append(
            {
                **keys,
                "event_index": i,
                "name": event.name,
                "time_unix_nano": event.time_unix_nano,
                "attributes": list(event_short.items()),
                "attribute_types": event_letters,
                "dropped_attributes_count": event.dropped_attributes_count,
            }
        )
    links = []
    for i, link in enumerate(span.links):
        link_texts, link_letters = _pairs(link.attributes)
        links.append(
            {
                **keys,
                "link_index": i,
                "linked_trace_id": link.trace_id.hex(),
                "linked_span_id": link.span_id.hex(),
                "trace_state": link.trace_state,
                "attributes": list(link_texts.items()),
                "attribute_types": link_letters,
                "dropped_attributes_count": link.dropped_attributes_count,
                "flags": link.flags,
            }
        )
    row = {
        **keys,
        "parent_span_id": span.parent_span_id.hex() if any(span.parent_span_id) else None,
        "flags": span.flags,
        "name": span.name,
        "kind": KINDS[span.kind] if 0 <= span.kind < len(KINDS) else str(span.kind),
        "start_time_unix_nano": times[0],
        "end_time_unix_nano": times[1],
        "status_code": CODES[span.status.code]
        if 0 <= span.status.code < len(CODES)
        else str(span.status.code),
        "status_message": span.status.message,
        "attributes": list(short.items()),
        "attribute_types": letters,
        "service_name": next(
            (
                t
                for k, (t, letter) in _last(resource_spans.resource.attributes).items()
                if k == "service.name" and t
            ),
            None,
        ),
        "resource_attributes": list(resource_texts.items()),
        "resource_attribute_types": resource_letters,
        "scope_name": scope_spans.scope.name,
        "scope_version": scope_spans.scope.version,
        "extras": _extras(resource_spans, scope_spans, span),
    }
    return {"spans": [row], "x_content_chunks": content, "span_events": events, "span_links": links}


def _last(attributes) -> dict[str, values.Encoded]:
    return {pair.key: values.encode(pair.value) for pair in attributes}


def _extras(resource_spans, scope_spans, span) -> dict[str, Any] | None:
    found = {
        "scope_schema_url": scope_spans.schema_url,
        "scope_dropped_attributes_count": scope_spans.scope.dropped_attributes_count,
        "resource_schema_url": resource_spans.schema_url,
        "resource_dropped_attributes_count": resource_spans.resource.dropped_attributes_count,
        "resource_entity_refs": [
            base64.b64encode(ref.SerializeToString()).decode()
            for ref in resource_spans.resource.entity_refs
        ],
        "scope_attributes": {k: list(v) for k, v in _last(scope_spans.scope.attributes).items()},
        "trace_state": span.trace_state,
        "dropped_attributes_count": span.dropped_attributes_count,
        "dropped_events_count": span.dropped_events_count,
        "dropped_links_count": span.dropped_links_count,
    }
    return {k: v for k, v in found.items() if v} or None


def readable(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of decode/columns.py with the columns that `tables` gives, ready to compare."""
    dropped = {"received_at", "project", "start_time", "duration_ms", "span_row"}
    kept = {k: v for k, v in row.items() if k not in dropped}
    if name == "spans" and kept["extras"] is not None:
        kept["extras"] = json.loads(kept["extras"])
    return kept


__all__ = ["DecodeError", "readable", "tables"]
