"""The words that every room uses: what a sender sent, what came of it, what a span is.

Plain data. No behaviour beyond what a reader would call part of the word itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from otel_threads.core.trace_rows import (
    CallRow,
    EvaluationRow,
    LinkRow,
    PartRow,
    SliceRow,
    TraceRow,
)


class Signal(StrEnum):
    """What an OTLP request carries."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"


class Refusal(StrEnum):
    """Why a span or log record is not taken; metrics count by it."""

    ID = "id"  # of a wrong length, or all zero
    TIME = "time"  # after what the columns hold
    VALUE = "value"  # an attribute's value cannot be read
    SIZE = "size"  # attributes that many spans share are too many for as many copies


class Load(StrEnum):
    """How busy receiving is."""

    IDLE = "idle"  # nothing is in flight
    LIGHT = "light"  # small requests trickle in
    HEAVY = "heavy"  # large ones, or many at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One OTLP request as it reached us, decompressed, in protobuf's wire format."""

    signal: Signal
    payload: bytes
    project: str | None = None  # from our own header; None when the sender named none
    vendor_project: str | None = None  # from a header that another product's exporter sends
    received_unix_nano: int = 0


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of one request: how much was kept, what was refused and why.

    `accepted` counts spans or log records that are durable (or, for records that nothing here
    keeps, taken and counted). `message` is for people; empty when there is nothing to say.
    """

    accepted: int = 0
    refused: dict[Refusal, int] = field(default_factory=dict)
    message: str = ""

    @property
    def rejected(self) -> int:
        """How many were refused, for whatever reason."""
        return sum(self.refused.values())


@dataclass(slots=True, kw_only=True)
class Event:
    """A span event. `attributes` as in `Span`."""

    name: str
    time_unix_nano: int
    attributes: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class LogRecord:
    """A log record that belongs to a span. `body` is a text, a number, or parsed structure."""

    project: str
    event_name: str
    time_unix_nano: int
    body: Any
    attributes: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Span:
    """One operation, as the deriver reads it back from the store.

    Ids are lower-case hex. Times are nanoseconds since the Unix epoch. Attribute values are str,
    int, float, bool, list or dict as they came; bytes and empty values are left out, because no
    convention gives them a meaning.

    Source: opentelemetry-proto, trace/v1/trace.proto, message `Span`.
    """

    project: str
    trace_id: str
    span_id: str
    parent_span_id: str | None  # None: a root span
    name: str
    start_unix_nano: int
    end_unix_nano: int
    status_code: str  # "unset", "ok", "error"
    status_message: str
    service_name: str | None
    scope_name: str
    scope_version: str
    attributes: dict[str, Any]
    resource: Mapping[str, Any]
    events: Sequence[Event] = ()
    logs: Sequence[LogRecord] = ()
    received_unix_nano: int = 0
    sequence: int = 0  # of the commit that stored it
    dropped_attributes_count: int = 0  # that the sender's limits took off
    origin: "Origin | None" = None  # of what records of an SDK were folded into


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a span that was folded from records of an SDK comes from.

    `sequence` and `received_unix_nano` of the span are those of the newest record.
    """

    record_id: str
    created_unix_nano: int  # when the first record was received
    created_sequence: int  # of the commit that stored it
    joined_sequence: int | None  # of the one that first told its thread


@dataclass(slots=True)
class TraceRows:
    """The derived rows of one trace.

    `trace` is one row of `traces`; `slices` one row per thread in the trace (thread_id None for
    spans without one); `calls` and `parts` are in the order of their start;
    `evaluations` are scores that came as events; `links` tell which tool calls are left open and
    which results came in (derive/tool_result_links.py). `record_rank` is 0 for a trace of spans;
    for one of log records that stand alone it is higher (derive/retold.py).
    """

    trace: TraceRow
    slices: list[SliceRow]
    calls: list[CallRow]
    parts: list[PartRow]
    evaluations: list[EvaluationRow]
    links: list[LinkRow]
    first_unix_nano: int  # no span of the trace starts earlier
    record_rank: int = 0
