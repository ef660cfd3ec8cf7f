"""Rows of the store as objects of core/: the one place where columns become fields.

A thread, a trace and a span are not whole in one row: scores, tags, comments and the time of day
come from elsewhere. `StoredThread`, `StoredTrace` and `StoredSpan` say what services may ask
before, and become the object once all of it is there.
"""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import orjson

from otel_threads.core import model
from otel_threads.core.message import Error, Json, Message, RequestedCall, ToolCall
from otel_threads.core.ports import ThreadKey
from otel_threads.core.score import Score, TurnScores
from otel_threads.core.span import Span
from otel_threads.core.thread import Thread, ThreadStatus
from otel_threads.core.trace import Trace
from otel_threads.core.turn import Turn
from otel_threads.core.usage import USAGE, Usage

Row = dict[str, Any]
Place = str | int | float | datetime.datetime | None  # a value of a cursor


def _columns(item: type, *, but: Sequence[str]) -> tuple[str, ...]:
    """Return the fields of an item that are columns of its row, under the same name."""
    return tuple(field.name for field in fields(item) if field.name not in but)


_ANNOTATED = ("tags", "comment_count", "scores", "usage", "metadata")
_THREAD = _columns(Thread, but=(*_ANNOTATED, "status", "last_error", "turn_scores"))
_TRACE = _columns(Trace, but=_ANNOTATED)
_TURN = _columns(Turn, but=("error", "messages", "tool_calls", "usage", "is_truncated", "scores"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredThread:
    """A thread without its scores; `status` and `comment_count` are None where nobody asked.

    The sequences order it against annotations: the commits of its first and its last span, and
    of the first span of its newest trace.
    """

    row: Row  # for the store alone
    project: str
    thread_id: str
    first_activity_time: datetime.datetime
    last_activity_time: datetime.datetime
    turn_count: int
    cost_usd: float | None
    updated_at: datetime.datetime
    tags: list[str]
    first_sequence: int
    last_sequence: int
    last_trace_sequence: int
    status: ThreadStatus | None
    comment_count: int | None

    @property
    def key(self) -> ThreadKey:
        """What tells it from others."""
        return self.project, self.thread_id

    def place(self, column: str | None) -> list[Place]:
        """Return where it stands in a list: its value of a column, if one is named, and its key."""
        return _place(self.row, column, self.key)

    def whole(
        self,
        *,
        status: ThreadStatus,
        tags: list[str],
        comment_count: int,
        scores: list[Score],
        turn_scores: dict[str, TurnScores],
        last_error: str | None,
    ) -> Thread:
        """Return the thread."""
        row = self.row
        return Thread(
            **{name: row[name] for name in _THREAD},
            metadata=row["metadata"] or {},
            usage=usage(row),
            status=status,
            tags=tags,
            comment_count=comment_count,
            scores=scores,
            turn_scores=turn_scores,
            last_error=last_error,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrace:
    """A trace without its scores; `comment_count` is None where nobody asked."""

    row: Row  # for the store alone
    project: str
    trace_id: str
    tags: list[str]
    comment_count: int | None

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.project, self.trace_id

    def place(self, column: str | None) -> list[Place]:
        """Return where it stands in a list: its value of a column, if one is named, and its key."""
        return _place(self.row, column, self.key)

    def whole(self, *, tags: list[str], comment_count: int, scores: list[Score]) -> Trace:
        """Return the trace."""
        row = self.row
        return Trace(
            **{name: row[name] for name in _TRACE},
            metadata=row["metadata"] or {},
            usage=usage(row),
            tags=tags,
            comment_count=comment_count,
            scores=scores,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """What a span says as a model request."""

    model: str | None
    usage: Usage | None
    cost_usd: float | None
    time_to_first_token_ms: float | None


NO_CALL = StoredCall(model=None, usage=None, cost_usd=None, time_to_first_token_ms=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSpan:
    """A span as the tree of its trace needs it, and `whole`, which makes the object."""

    bare: model.Span
    whole: Callable[[int, str | None, StoredCall, list[Score]], Span]  # depth, type, call, scores


def _place(row: Row, column: str | None, key: tuple[str, str]) -> list[Place]:
    return [*key] if column is None else [row[column], *key]


def stored_thread(row: Row) -> StoredThread:
    """Return a row of `thread_facts`, or of the view that adds status, tags and comments."""
    return StoredThread(
        row=row,
        project=row["project"],
        thread_id=row["thread_id"],
        first_activity_time=row["first_activity_time"],
        last_activity_time=row["last_activity_time"],
        turn_count=row["turn_count"],
        cost_usd=row["cost_usd"],
        updated_at=row["updated_at"],
        tags=row["tags"] or [],
        first_sequence=row["first_sequence"],
        last_sequence=row["last_sequence"],
        last_trace_sequence=row["last_trace_sequence"],
        status=row.get("status"),
        comment_count=row.get("comment_count"),
    )


def stored_trace(row: Row) -> StoredTrace:
    """Return a row of `traces`, or of the view that adds tags and comments."""
    return StoredTrace(
        row=row,
        project=row["project"],
        trace_id=row["trace_id"],
        tags=row["tags"] or [],
        comment_count=row.get("comment_count"),
    )


def stored_call(row: Row) -> StoredCall:
    """Return a row of `calls` as far as its span shows it."""
    return StoredCall(
        model=row["model"],
        usage=usage(row),
        cost_usd=row["cost_usd"],
        time_to_first_token_ms=row["time_to_first_token_ms"],
    )


def usage(row: Row) -> Usage:
    """Return the tokens of a row."""
    return Usage(**{name: row[name] for name in USAGE})


def turn(row: Row) -> Turn:
    """Return a row of `turns` that has its `messages`; its scores are for the caller to add."""
    return Turn(
        **{name: row[name] for name in _TURN},
        error=_turn_error(row),
        messages=[message(one) for one in row["messages"]],
        tool_calls=[_tool_call(one) for one in orjson.loads(row["tool_calls"])],
        usage=usage(row),
        is_truncated=bool(row["is_truncated"]),  # null in rows of before there was the column
        scores=[],
    )


def message(row: Row) -> Message:
    """Return a row of `messages`; one without parts is its text."""
    text = row["text"]
    return Message(
        role=row["role"],
        text=text,
        parts=orjson.loads(row["parts"]) if row["parts"] else [{"type": "text", "text": text}],
        tool_calls=[_requested_call(one) for one in orjson.loads(row["tool_calls"] or "[]")],
        tool_call_id=row["tool_call_id"],
        span_id=row["span_id"],
    )


def _turn_error(row: Row) -> Error | None:
    if not row["has_error"]:
        return None
    return Error(type=row["error_type"], message=row["error_message"])


def _tool_call(given: Json) -> ToolCall:
    error = given["error"]
    return ToolCall(
        id=given.get("id"),
        name=given["name"],
        arguments=given["arguments"],
        result=given["result"],
        error=Error(type=error["type"], message=error["message"]) if error else None,
    )


def _requested_call(given: Json) -> RequestedCall:
    return RequestedCall(id=given["id"], name=given["name"], arguments=given["arguments"])
