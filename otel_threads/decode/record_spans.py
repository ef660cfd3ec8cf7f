"""Log records that stand alone, as spans: no span of theirs ever comes.

Coding agents send log records by default, and spans only on request. A record without a trace that
tells of a conversation becomes a span here: its event's name, its attributes, its time. So all that
holds for spans holds for it: it is stored once, shown, exported, deleted with its thread. Which
record belongs to which turn is worked out later (derive/record_turns.py).

A trace is what a conversation's turn has in common: its id and, where there is one, its prompt's.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_threads.core.model import Request, Signal

EVENT = "otel_threads.log_record"  # the attribute that marks such a span: the event's name
BODY = "otel_threads.log_record.body"
PROMPT_IDS = ("prompt.id", "prompt_id")


@dataclass(frozen=True, slots=True)
class Alone:
    """Which records stand alone: of these events, with one of these attributes as their id."""

    events: Mapping[str, tuple[str, ...]]  # a trailing `*` for any ending → attributes with the id

    def id_of(self, record: LogRecord, name: str) -> str | None:
        """Return the conversation's id of a record that stands alone, else None."""
        if record.trace_id or record.span_id or not self.events:
            return None
        told = next((ids for event, ids in self.events.items() if _fits(event, name)), ())
        found = {pair.key: pair.value.string_value for pair in record.attributes}
        return next((value for key in told if (value := found.get(key))), None)


NONE = Alone({})


def as_request(request: Request, payload: ExportLogsServiceRequest, alone: Alone) -> Request | None:
    """Return a request with a span for each record of another that stands alone; None without."""
    made = ExportTraceServiceRequest()
    for resource_logs in payload.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            spans = list(_spans(scope_logs.log_records, alone, request))
            if not spans:
                continue
            resource_spans = made.resource_spans.add(resource=resource_logs.resource)
            resource_spans.scope_spans.add(scope=scope_logs.scope).spans.extend(spans)
    if not made.resource_spans:
        return None
    return Request(
        signal=Signal.TRACES,
        payload=made.SerializeToString(),
        received_unix_nano=request.received_unix_nano,
        project=request.project,
        vendor_project=request.vendor_project,
    )


def _spans(records: Iterable[LogRecord], alone: Alone, request: Request) -> Iterable[Span]:
    for record in records:
        name = event_name(record)
        thread_id = alone.id_of(record, name)
        if thread_id is None:
            continue
        attributes = {pair.key: pair.value for pair in record.attributes}
        prompt = next((attributes[key].string_value for key in PROMPT_IDS if key in attributes), "")
        time = record.time_unix_nano or record.observed_time_unix_nano
        span = Span(
            trace_id=_hash(16, request.project or "", thread_id, prompt),
            span_id=_hash(8, record.SerializeToString(deterministic=True)),
            name=name,
            start_time_unix_nano=time,
            end_time_unix_nano=time,
            dropped_attributes_count=record.dropped_attributes_count,
        )
        span.attributes.extend(record.attributes)
        span.attributes.add(key=EVENT, value=AnyValue(string_value=name))
        if record.HasField("body"):
            span.attributes.add(key=BODY, value=record.body)
        yield span


def event_name(record: LogRecord) -> str:
    """Return the event's name: the field, else the attribute `event.name` of older senders."""
    if record.event_name:
        return str(record.event_name)
    for pair in record.attributes:
        if pair.key == "event.name":
            return str(pair.value.string_value)
    return ""


def _fits(event: str, name: str) -> bool:
    return name.startswith(event[:-1]) if event.endswith("*") else name == event


def _hash(size: int, *parts: str | bytes) -> bytes:
    whole = b"\0".join(p.encode("utf-8", "replace") if isinstance(p, str) else p for p in parts)
    return hashlib.blake2b(whole, digest_size=size).digest()
