"""Traces, spans and threads with what they hold as it was sent, and with each author's scores.

What interfaces of other products show: `services/contents.py` returns them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from otel_threads.core.score import Comment, ScoreRecord
from otel_threads.core.span import Span
from otel_threads.core.thread import Thread
from otel_threads.core.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class TagChanges:
    """Tags that people gave to an item and took from it, each in order of the alphabet."""

    added: list[str]
    removed: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContent:
    """A trace with its spans, parents before children.

    The root is whole. Of the others, a long attribute that the caller did not name is None.
    `scores` and `comments` are those of the trace and of its spans.
    """

    trace: Trace
    root: Span | None
    spans: list[Span]
    tags: TagChanges
    scores: list[ScoreRecord]
    comments: list[Comment]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanContent:
    """A span, whole, with what was said of it.

    `parent` is there for a span of OTLP in a trace of an SDK's records: the UUID of a span above it
    stands in that one's attributes. None for others, and where no span is above.
    """

    span: Span
    parent: Span | None
    scores: list[ScoreRecord]
    comments: list[Comment]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadContent:
    """A thread with the root spans of its first trace and of the one that ended last.

    `first` and `last` are None where a trace of the thread has other threads, too.
    """

    thread: Thread
    first: Span | None
    last: Span | None
    tags: TagChanges
    scores: list[ScoreRecord]
    comments: list[Comment]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLocation:
    """Where a span is; `record_id` is the UUID that an SDK gave it, None for a span of OTLP."""

    project: str
    trace_id: str
    span_id: str
    record_id: str | None


Attributes = Mapping[str, object]
