"""What people and programs say of a thread, turn, trace or span: scores and comments."""

import datetime
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A named number or category on a thread, turn, trace or span."""

    name: str
    value: float | None
    category: str | None
    reason: str | None
    source: str | None
    author: str | None
    value_by_author: dict[str, float]
    created_at: datetime.datetime
    updated_at: datetime.datetime
    superseded_at: datetime.datetime | None
    project: str
    thread_id: str | None
    trace_id: str | None
    span_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody wrote about a thread, a trace or a span."""

    id: str
    project: str
    thread_id: str | None
    trace_id: str | None
    span_id: str | None
    text: str
    author: str | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
