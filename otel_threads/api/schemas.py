"""The one shape of every answer.

Times are RFC 3339 in UTC, durations milliseconds; null is unknown.
"""

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer

Time = Annotated[
    datetime.datetime,
    PlainSerializer(
        lambda t: t.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z"),
        return_type=str,
        when_used="json",
    ),
]
CostSource = Literal["reported", "estimated", "mixed"]


class Usage(BaseModel):
    """Tokens. Input includes cached ones, output includes reasoning; null is unknown."""

    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    input_audio_tokens: int | None
    output_audio_tokens: int | None


class Score(BaseModel):
    """A named number or category on a thread, turn, trace or span."""

    name: str
    value: float | None
    category: str | None
    reason: str | None
    source: str | None
    author: str | None
    value_by_author: dict[str, float]
    created_at: Time
    updated_at: Time
    superseded_at: Time | None
    project: str
    thread_id: str | None
    trace_id: str | None
    span_id: str | None


class _Totals(BaseModel):
    span_count: int
    error_count: int
    call_count: int
    first_message: str | None
    last_message: str | None
    models: list[str]
    providers: list[str]
    services: list[str]
    users: list[str]
    environments: list[str]
    usage: Usage
    cost_usd: float | None
    cost_source: CostSource | None
    cost_is_partial: bool
    tags: list[str]
    metadata: dict[str, str]
    scores: list[Score]
    comment_count: int
    thread_id_source: str | None
    created_at: Time
    updated_at: Time
    duration_ms: float
    turn_count: int


class Thread(_Totals):
    """One conversation. `error_count` counts failures, each once, tools and retries included."""

    project: str
    thread_id: str
    status: Literal["active", "inactive"]
    first_activity_time: Time
    last_activity_time: Time
    trace_count: int
    message_count: int


class Error(BaseModel):
    """What ended a turn or a tool call."""

    type: str | None
    message: str | None


class ToolCall(BaseModel):
    """A tool that the assistant asked for, and what came of it."""

    id: str | None = None
    name: str | None
    arguments: Any
    result: Any
    error: Error | None


class RequestedCall(BaseModel):
    """A tool call as it stands in an assistant's message."""

    id: str | None
    name: str | None
    arguments: Any


class Message(BaseModel):
    """One message; `text` shows `[image]` and the like for what is no text."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str | None
    parts: list[dict[str, Any]]
    tool_calls: list[RequestedCall]
    tool_call_id: str | None
    span_id: str | None


class Turn(BaseModel):
    """One user message and everything until the assistant's final text."""

    project: str
    thread_id: str | None
    turn_index: int
    trace_ids: list[str]
    span_id: str
    name: str
    start_time: Time
    end_time: Time
    duration_ms: float
    time_to_first_token_ms: float | None
    user: str | None
    assistant: str | None
    system: str | None
    error: Error | None
    messages: list[Message]
    tool_calls: list[ToolCall]
    models: list[str]
    providers: list[str]
    usage: Usage
    cost_usd: float | None
    cost_source: CostSource | None
    cost_is_partial: bool
    call_count: int
    span_count: int
    message_count: int
    scores: list[Score]


class Trace(_Totals):
    """One trace with what its spans add up to."""

    project: str
    trace_id: str
    thread_id: str | None
    thread_ids: list[str]
    root_span_id: str | None
    name: str
    start_time: Time
    end_time: Time


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


class TraceDetail(Trace):
    """A trace with its spans, parents before children, and its turns."""

    spans: list[Span]
    turns: list[Turn]


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


class Comment(BaseModel):
    """What somebody wrote about a thread, a trace or a span."""

    id: str
    project: str
    thread_id: str | None
    trace_id: str | None
    span_id: str | None
    text: str
    author: str | None
    created_at: Time
    updated_at: Time


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
