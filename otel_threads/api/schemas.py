"""The one shape of every response; what conversations consist of is in core/.

Times are RFC 3339 in UTC, durations milliseconds; null is unknown.
"""

import datetime
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, PlainSerializer, TypeAdapter

from otel_threads.core.message import Message
from otel_threads.core.score import Comment, Score
from otel_threads.core.thread import Thread
from otel_threads.core.trace import Trace
from otel_threads.core.turn import Turn
from otel_threads.core.usage import Usage

Time = Annotated[
    datetime.datetime,
    PlainSerializer(
        lambda t: t.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z"),
        return_type=str,
        when_used="json",
    ),
]
Shape = TypeVar("Shape")


def checked(shape: type[Shape], found: Any) -> Shape:
    """Return what a service found in its shape: a model of this file, or a dataclass of core/."""
    return _adapter(shape).validate_python(found)


def plain(shape: type[Shape], found: Any) -> Any:
    """Return what a service found as JSON has it: dicts, lists, texts and numbers."""
    return _adapter(shape).dump_python(checked(shape, found), mode="json")


def as_json(shape: type[Shape], found: Any) -> bytes:
    """Return what a service found as JSON text."""
    return _adapter(shape).dump_json(checked(shape, found))


def _adapter(shape: type[Shape]) -> TypeAdapter[Shape]:
    if shape not in _ADAPTERS:
        _ADAPTERS[shape] = TypeAdapter(shape)
    return _ADAPTERS[shape]


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


class SpanEvent(BaseModel):
    """A span event."""

    name: str
    time_unix_nano: int
    attributes: dict[str, Any]


class SpanLink(BaseModel):
    """A link to a span of another trace."""

    trace_id: str
    span_id: str
    trace_state: str
    attributes: dict[str, Any]


class SpanLog(BaseModel):
    """A log record that belongs to a span."""

    event_name: str
    time: Time
    body: Any
    attributes: dict[str, Any]


class Span(BaseModel):
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
    type: str | None = Field(description="llm, agent, tool and the like; null when nothing says.")
    model: str | None
    usage: Usage | None
    cost_usd: float | None
    time_to_first_token_ms: float | None
    start_time: Time
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
    received_at: Time
    attributes: dict[str, Any]
    resource_attributes: dict[str, Any]
    scope_attributes: dict[str, Any]
    events: list[SpanEvent]
    links: list[SpanLink]
    logs: list[SpanLog]
    scores: list[Score]
    dropped_attributes_count: int
    dropped_events_count: int
    dropped_links_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceDetail(Trace):
    """A trace with its spans, parents before children, and its turns."""

    spans: list[Span]
    turns: list[Turn]


class UnkeptLogRecords(BaseModel):
    """Log records of one event that were accepted and not kept since the server started."""

    scope_name: str
    event_name: str
    count: int


class Status(BaseModel):
    """How far the server is. All that was acknowledged is in the threads once
    `derived_sequence` has reached `committed_sequence`."""

    version: str
    committed_sequence: int
    derived_sequence: int
    derive_lag_ms: float
    derive_error: str | None = Field(
        default=None,
        description="What ended the deriver's last pass, which is tried again"
        " each second; null when it went well.",
    )
    store_error: str | None = Field(
        default=None,
        description="Why what is sent is not stored: a full disk, a file that was deleted or moved;"
        " null while it is.",
    )
    spans: int
    traces: int
    threads: int
    turns: int
    database_bytes: int
    uptime_s: float
    otlp_http: str | None = None
    unkept_log_records: list[UnkeptLogRecords] = Field(
        default=[],
        description="Log records that hold no GenAI content that is read, by scope and event.",
    )


class Project(BaseModel):
    """A namespace and what it holds."""

    project: str
    thread_count: int
    trace_count: int
    last_activity_time: Time
    thread_cooldown_s: float | None
    retention_days: float | None
    input_path: str | None
    output_path: str | None


class _Page(BaseModel):
    next_cursor: str | None
    total: int | None = None


class Threads(_Page):
    """A page of threads."""

    items: list[Thread]


class Turns(_Page):
    """A page of turns, oldest first."""

    items: list[Turn]


class Traces(_Page):
    """A page of traces."""

    items: list[Trace]


class Projects(_Page):
    """All projects."""

    items: list[Project]


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptMessage(Message):
    """A message and the turn that it belongs to."""

    turn_index: int


class Transcript(BaseModel):
    """A whole conversation, each message once."""

    project: str
    thread_id: str
    messages: list[TranscriptMessage]


class OpenAIMessages(BaseModel):
    """A conversation as OpenAI chat messages."""

    messages: list[dict[str, Any]]


class Spread(BaseModel):
    """How a number is spread; null where nothing is known."""

    p50: float | None
    p90: float | None
    p99: float | None
    avg: float | None
    max: float | None


class MeanUsage(BaseModel):
    """Tokens of an average item; null where none is known."""

    input_tokens: float | None
    output_tokens: float | None
    total_tokens: float | None
    cache_read_tokens: float | None
    cache_write_tokens: float | None
    reasoning_tokens: float | None
    input_audio_tokens: float | None
    output_audio_tokens: float | None


class UsageStats(BaseModel):
    """Tokens of the whole selection and of an average item."""

    sum: Usage
    avg: MeanUsage


class CostStats(BaseModel):
    """US dollars of the whole selection and of an average item whose cost is known."""

    sum: float | None
    avg: float | None


class ScoreStats(BaseModel):
    """One score over the selection; of categories alone, only the count of values (0) is known."""

    count: int
    avg: float | None
    min: float | None
    max: float | None


class ModelStats(BaseModel):
    """What one model was asked for."""

    call_count: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None


class _Bucket(BaseModel):
    time: Time
    turn_count: int | None
    error_count: int | None
    total_tokens: int | None
    cost_usd: float | None
    duration_ms_avg: float | None


class ThreadBucket(_Bucket):
    """Threads that began in one hour or day."""

    thread_count: int


class TraceBucket(_Bucket):
    """Traces that began in one hour or day."""

    trace_count: int


class _Stats(BaseModel):
    turn_count: int
    trace_count: int
    span_count: int
    error_count: int
    error_rate: float | None = Field(description="Share of items with an error.")
    duration_ms: Spread
    turn_duration_ms: Spread
    time_to_first_token_ms: Spread
    usage: UsageStats
    cost_usd: CostStats
    scores: dict[str, ScoreStats]
    models: dict[str, ModelStats]


class ThreadStats(_Stats):
    """Sums and percentiles over selected threads."""

    thread_count: int
    active_count: int
    turns_per_thread: Spread
    series: list[ThreadBucket] | None = None


class TraceStats(_Stats):
    """Sums and percentiles over selected traces."""

    turns_per_trace: Spread
    series: list[TraceBucket] | None = None


class Written(BaseModel):
    """How many were written."""

    written: int


class Deleted(BaseModel):
    """How many were deleted."""

    deleted: int


class Scores(_Page):
    """Scores, the latest first."""

    items: list[Score]


class ScoreName(BaseModel):
    """A name in use."""

    name: str
    score_count: int
    value_count: int
    category_count: int
    categories: list[str] | None
    sources: list[str]


class ScoreNames(_Page):
    """Names in use, in their order."""

    items: list[ScoreName]


class Updated(BaseModel):
    """How many were changed, and which ids are not here."""

    updated: int
    not_found: list[str]


class Comments(_Page):
    """Comments, oldest first."""

    items: list[Comment]


class View(BaseModel):
    """A saved selection."""

    project: str
    name: str
    filter: str | None
    sort: str
    columns: list[str]
    created_at: Time
    updated_at: Time


class Views(_Page):
    """Saved selections, by name."""

    items: list[View]


class Problem(BaseModel):
    """An error as RFC 9457 describes it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    position: int | None = Field(None, description="Where in a filter, from 0.")
