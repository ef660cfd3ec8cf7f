"""Annotations of a thread, turn, trace or span: scores and comments."""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from otel_threads.core.limits import SCORE_VALUE_MAX

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
    """A score to write; `turn_index` with `thread_id` names a turn of the thread, from 0."""

    turn_index: int | None = None
    name: str
    value: float | None = None
    category: str | None = None
    reason: str | None = None
    source: str | None = None
    author: str | None = None
    metadata: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTarget(Target):
    """Which scores to delete: of one target and name, of one author or (None) of all."""

    turn_index: int | None = None
    name: str
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewComment(Target):
    """A comment to write."""

    text: str
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownTarget:
    """A target of a score that is not here: `index` is the score's place in the call.

    The score is kept and shown once the target arrives. `hint` says where its id does exist, null
    where it exists nowhere.
    """

    index: int
    thread_id: str | None
    trace_id: str | None
    span_id: str | None
    turn_index: int | None
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRecord:
    """What one author gave: `services/score_means.py` makes a Score of those of all authors."""

    project: str
    thread_id: str | None
    trace_id: str | None
    span_id: str | None
    turn_index: int | None = None
    name: str
    value: float | None
    category: str | None
    reason: str | None
    source: str | None
    author: str | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
    superseded_at: datetime.datetime | None
    metadata: dict[str, str] | None = None


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
    reason_by_author: dict[str, str]
    created_at: datetime.datetime
    updated_at: datetime.datetime
    superseded_at: datetime.datetime | None
    project: str
    thread_id: str | None
    trace_id: str | None
    span_id: str | None
    turn_index: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnScores:
    """All current scores of one name on the turns, traces and spans of a thread.

    `count` is how many of these have it; mean, min and max are null where there are only
    categories. `categories` counts each label, of every author.
    """

    count: int
    mean: float | None
    min: float | None
    max: float | None
    categories: dict[str, int]


def mean(values: Sequence[float]) -> float | None:
    """Return the mean as people write it: 0.4 of 0.1 and 0.7; None of nothing."""
    count = len(values)
    if count < 2:
        return values[0] if count else None
    try:
        exact = math.fsum(values) / count
    except OverflowError:  # of values that were stored before SCORE_VALUE_MAX
        exact = math.fsum(value / count for value in values)
    return float(f"{exact:.12g}")


def fault(value: float) -> str | None:
    """Return why a number is no value of a score, as the end of a sentence; None when it is one."""
    if -SCORE_VALUE_MAX <= value <= SCORE_VALUE_MAX:
        return None
    return f"is not between {-SCORE_VALUE_MAX:g} and {SCORE_VALUE_MAX:g}"


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
