"""A turn: one user message and everything until the assistant's final text."""

import datetime
from dataclasses import dataclass

from otel_threads.core.message import Error, Message, ToolCall
from otel_threads.core.score import Score
from otel_threads.core.totals import CostSource
from otel_threads.core.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One user message and everything until the assistant's final text."""

    project: str
    thread_id: str | None
    turn_index: int
    trace_ids: list[str]
    span_id: str
    name: str
    start_time: datetime.datetime
    end_time: datetime.datetime
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
    is_truncated: bool  # limits of the sender cut texts or dropped attributes of it
    scores: list[Score]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOutline:
    """A turn in a line: how it begins, what it took, where in it what was searched for stands."""

    turn_index: int
    trace_ids: list[str]
    span_id: str
    start_time: datetime.datetime
    duration_ms: float
    user: str | None  # its first 200 characters
    error: str | None
    tool_call_count: int
    failed_tool_call_count: int
    total_tokens: int | None
    cost_usd: float | None
    scores: dict[str, float]  # the mean of each name
    hits: list[int]  # message_index
