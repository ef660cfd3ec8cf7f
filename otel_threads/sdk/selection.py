"""What lists can be asked for, with types: editors complete it, type checkers refuse the rest."""

import datetime
from typing import Literal, TypedDict

Interval = Literal["hour", "day"]
Format = Literal["jsonl", "csv", "parquet", "otlp"]
Shape = Literal["thread", "openai"]


class Which(TypedDict, total=False):
    """What threads and traces are both selected by; `*` or nothing as project is all of them."""

    project: str | None
    thread_id: str | None
    filter: str | None
    search: str | None
    from_: datetime.datetime | str | None
    to: datetime.datetime | str | None


class WhichThreads(Which, total=False):
    """Which threads."""

    status: Literal["active", "inactive"] | None


class WhichTraces(Which, total=False):
    """Which traces."""

    without_thread: bool | None


class _Page(TypedDict, total=False):
    sort: str | None
    limit: int | None
    cursor: str | None
    with_total: bool | None


class ThreadPage(WhichThreads, _Page, total=False):
    """Which threads, in which order: `-cost_usd` or `cost_usd desc`, and which page of them."""


class TracePage(WhichTraces, _Page, total=False):
    """As `ThreadPage`, of traces."""


class SpanPage(Which, _Page, total=False):
    """As `ThreadPage`, of spans; `search` looks at names, ids and status messages."""

    trace_id: str | None


class ThreadStatsOf(WhichThreads, total=False):
    """Which threads to sum up; `interval` adds a series."""

    interval: Interval | None


class TraceStatsOf(WhichTraces, total=False):
    """As `ThreadStatsOf`, of traces."""

    interval: Interval | None


class ThreadFile(WhichThreads, total=False):
    """Which threads to write, and how."""

    format: Format | None
    shape: Shape | None
