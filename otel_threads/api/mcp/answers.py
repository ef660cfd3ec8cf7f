"""The shapes of the tools' answers. What spans brought stands in objects with `untrusted: true`."""

import datetime
from dataclasses import dataclass
from typing import Literal

from otel_threads.api.mcp.content import Text
from otel_threads.core.filters import FilterField
from otel_threads.core.stats import Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLine:
    """A current score."""

    name: str
    value: float | None
    category: str | None
    source: str | None
    author: str | None
    reason: Text | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentLine:
    """A comment."""

    author: str | None
    created_at: datetime.datetime
    text: Text | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadLine:
    """A thread in outline. Lists of names have the first ten."""

    project: str
    thread_id: str
    status: str
    first_activity_time: datetime.datetime
    last_activity_time: datetime.datetime
    duration_ms: float
    turn_count: int
    trace_count: int
    message_count: int
    call_count: int
    error_count: int
    total_tokens: int | None
    cost_usd: float | None
    models: list[str]
    users: list[str]
    services: list[str]
    tags: list[str]
    scores: list[ScoreLine]
    comment_count: int
    first_message: Text | None
    last_message: Text | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundThreads:
    """A page of threads; `next_cursor` is null on the last one."""

    items: list[ThreadLine]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorLine:
    """What ended a turn or a tool call."""

    type: str | None
    message: Text | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLine:
    """A tool that was called."""

    name: str | None
    failed: bool
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLine:
    """A turn in outline: the beginnings of its texts, and its first tools."""

    turn_index: int
    start_time: datetime.datetime
    duration_ms: float
    user: Text | None
    assistant: Text | None
    error: ErrorLine | None
    tools: list[ToolLine]
    tool_call_count: int
    message_count: int
    total_tokens: int | None
    cost_usd: float | None
    models: list[str]
    trace_ids: list[str]
    scores: list[ScoreLine]
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadOutline:
    """A thread, a page of its turns, oldest first, and its first comments."""

    thread: ThreadLine
    turns: list[TurnLine]
    next_cursor: str | None
    comments: list[CommentLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedTool:
    """A tool call in a message; `arguments` as JSON text."""

    name: str | None
    tool_call_id: str | None
    arguments: Text | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageText:
    """A message, or a part of it."""

    message_index: int
    content: Text | None
    requested_tools: list[RequestedTool]
    span_id: str | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnText:
    """A turn's messages, as many characters as were asked for.

    It goes on at `next_message_index` and `next_offset`; both are null at its end.
    """

    turn: TurnLine
    messages: list[MessageText]
    next_message_index: int | None
    next_offset: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLine:
    """A span in outline; `depth` is how many ancestors it has."""

    span_id: str
    parent_span_id: str | None
    depth: int
    name: str
    type: str | None
    service_name: str | None
    model: str | None
    start_time: datetime.datetime
    duration_ms: float
    status_code: str
    status_message: str
    total_tokens: int | None
    cost_usd: float | None
    attribute_count: int
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute of a span or of one of its events; what is no text is JSON."""

    key: str
    value: Text | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanText:
    """A span with its attributes and events."""

    span: SpanLine
    attributes: list[Attribute]
    events: list[Attribute]
    is_truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceOutline:
    """A trace and a page of its spans, parents before children; or one span whole."""

    project: str
    trace_id: str
    thread_ids: list[str]
    name: str
    start_time: datetime.datetime
    duration_ms: float
    span_count: int
    error_count: int
    total_tokens: int | None
    cost_usd: float | None
    spans: list[SpanLine]
    next_offset: int | None
    span: SpanText | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLine:
    """What one model was asked for."""

    model: str
    call_count: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSpread:
    """One score over the selection."""

    name: str
    count: int
    avg: float | None
    min: float | None
    max: float | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLine:
    """Threads that began in one hour or day."""

    time: datetime.datetime
    thread_count: int
    turn_count: int | None
    error_count: int | None
    total_tokens: int | None
    cost_usd: float | None
    duration_ms_avg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums and percentiles over a selection of threads."""

    thread_count: int
    active_count: int
    turn_count: int
    trace_count: int
    span_count: int
    error_count: int
    error_rate: float | None
    duration_ms: Spread
    turn_duration_ms: Spread
    time_to_first_token_ms: Spread
    turns_per_thread: Spread
    total_tokens: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    models: list[ModelLine]
    scores: list[ScoreSpread]
    series: list[TimeLine] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterGuide:
    """How filters are written, and what can be asked for."""

    grammar: list[str]
    examples: list[str]
    fields: list[FilterField]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedThread:
    """One of two threads."""

    thread: ThreadLine
    tools: list[str]
    failed_tool_call_count: int
    first_error: ErrorLine | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A number of both threads; null is unknown."""

    field: str
    first: float | None
    second: float | None
    difference: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two threads beside each other; `differences` is the second less the first.

    `same_questions` is how many turns at the beginning have the same user text in both.
    """

    first: ComparedThread
    second: ComparedThread
    differences: list[Difference]
    same_questions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of rows; its name may come from stored text."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of a query. Texts that were cut end with …; `truncated`: there are more rows."""

    columns: list[Column]
    rows: list[list[str | int | float | bool | None]]
    truncated: bool
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """What keeps spans out of threads, and what to write against it."""

    kind: str
    library: str | None
    summary: Text | None
    fix: Text | None
    trace_ids: list[str]
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingTrace:
    """Where one trace is, and what its spans come from."""

    trace_id: str
    thread_ids: list[str]
    thread_id_source: str | None
    scopes: list[str]
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What arrived and is not derived, and what keeps traces out of threads."""

    derive_lag_ms: float
    spans: int
    threads: int
    trace: MissingTrace | None
    findings: list[FindingLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLine:
    """A failure that threads have in common; `turns_by_day` are the last 14 days, today last."""

    issue_id: str
    kind: str
    title: Text | None
    name: Text | None
    state: str
    is_reopened: bool
    first_seen_time: datetime.datetime
    last_seen_time: datetime.datetime
    thread_count: int
    turn_count: int
    thread_ids: list[str]
    turns_by_day: list[int]
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundIssues:
    """Issues, those with the most threads first; `total` counts those that are not here too."""

    items: list[IssueLine]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How many were written or changed; ids that are not here get it on arrival."""

    written: int
    unknown_ids: list[str]
