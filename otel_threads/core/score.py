"""Annotations of a thread, turn, trace or span: scores and comments."""

import datetime
from dataclasses import dataclass
from typing import Literal

ScoreSource = Literal["ui", "sdk", "api", "online", "otel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an annotation is about: a thread, or a trace, or a span of a trace."""

    project: str | None = None
    thread_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewScore(Target):
    """A score to write."""

    name: str
    value: float | None = None
    category: str | None = None
    reason: str | None = None
    source: str | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTarget(Target):
    """Which scores to delete: of one target and name, of one author or (None) of all."""

    name: str
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewComment(Target):
    """A comment to write."""

    text: str
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRecord:
    """What one author gave: `services/score_means.py` makes a Score of those of all authors."""

    project: str
    thread_id: str | None
    trace_id: str | None
    span_id: str | None
    name: str
    value: float | None
    category: str | None
    reason: str | None
    source: str | None
    author: str | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
    superseded_at: datetime.datetime | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreName:
    """A name in use."""

    name: str
    score_count: int
    value_count: int
    category_count: int
    categories: list[str] | None
    sources: list[str]
