"""A span of a trace as callers read it. What deriving reads of a span is `core/model.py`'s."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from otel_threads.core.fields import Described
from otel_threads.core.message import Json
from otel_threads.core.score import Score
from otel_threads.core.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """A span event."""

    name: str
    time_unix_nano: int
    attributes: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLink:
    """A link to a span of another trace."""

    trace_id: str
    span_id: str
    trace_state: str
    attributes: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLog:
    """A log record that belongs to a span."""

    event_name: str
    time: datetime.datetime
    body: Any
    attributes: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span as it was received; `depth` is how many ancestors it has in the trace.

    Model, usage and cost stand at the outermost span of a model request, and nowhere else.
    """

    project: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    depth: int
    name: str
    kind: str
    type: Annotated[str | None, Described("llm, agent, tool and the like; null when nothing says.")]
    model: str | None
    usage: Usage | None
    cost_usd: float | None
    time_to_first_token_ms: float | None
    start_time: datetime.datetime
    start_time_unix_nano: int
    end_time_unix_nano: int
    duration_ms: float
    status_code: str
    status_message: str
    service_name: str | None
    scope_name: str
    scope_version: str
    trace_state: str
    flags: int
    received_at: datetime.datetime
    attributes: Json
    resource_attributes: Json
    scope_attributes: Json
    events: list[SpanEvent]
    links: list[SpanLink]
    logs: list[SpanLog]
    scores: list[Score]
    dropped_attributes_count: int
    dropped_events_count: int
    dropped_links_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSpan:
    """A span as a list over traces has it.

    `attributes` are the short ones, typed; `long_names` are those whose values are longer than 256
    bytes, which `SpanService.with_attributes` fills in.
    """

    project: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    status_code: str
    status_message: str
    scope_name: str
    received_at: datetime.datetime
    ingest_seq: int
    attributes: Json
    long_names: frozenset[str]

    @property
    def key(self) -> "SpanKey":
        """What tells it from others."""
        return self.project, self.trace_id, self.span_id


SpanKey = tuple[str, str, str]  # project, trace id, span id


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanSelection:
    """Which spans; None everywhere selects all.

    `named_threads` selects the spans of traces of these threads, and of those that have one of the
    texts as a value of their metadata. Times are nanoseconds, of the start: `from_unix_nano`
    inclusive, `to_unix_nano` exclusive. `attribute` and `attribute_value` leave out spans whose
    attribute of that name has another value; those without it stay.
    """

    projects: Sequence[str] | None = None
    trace_ids: Sequence[str] | None = None
    span_ids: Sequence[str] | None = None
    named_threads: Sequence[str] | None = None
    is_root: bool | None = None
    has_error: bool | None = None
    from_unix_nano: int | None = None
    to_unix_nano: int | None = None
    attribute: str | None = None
    attribute_value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanPlace:
    """Where a span stands in a list by time, in which a root comes before spans of its start."""

    start_time_unix_nano: int
    trace_id: str
    is_root: bool
    span_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSpan:
    """A span as its place among the others of a trace needs it, with its model request if any."""

    project: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    start_time_unix_nano: int
    record_id: str | None
    usage: Usage | None
    cost_usd: float | None
    cost_source: str | None
    models: tuple[str | None, ...]  # the response's, then the request's
    provider: str | None
