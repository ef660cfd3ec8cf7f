"""Feedback that has an id of its own, and a body of its sender's shape, kept beside scores."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFeedback:
    """Feedback to keep: of a thread, or of a span, whose trace may not be known yet.

    `body` is the JSON text of one object. `span_id` names the run, of a trace's root too.
    """

    feedback_id: str
    project: str
    thread_id: str | None
    trace_id: str | None
    span_id: str | None
    name: str
    source: str | None
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFeedback(NewFeedback):
    """Feedback that is kept."""

    created_at: datetime.datetime
    updated_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackSelection:
    """Which feedback; None leaves a condition out. `is_unplaced`: its run was not here."""

    feedback_ids: Sequence[str] | None = None
    projects: Sequence[str] | None = None
    thread_ids: Sequence[str] | None = None
    span_ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    sources: Sequence[str] | None = None
    has_comment: bool | None = None
    has_score: bool | None = None
    is_unplaced: bool | None = None
