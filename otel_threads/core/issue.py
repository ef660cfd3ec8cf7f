"""An issue: the same failure in several threads. It is found, not kept; only its state is kept."""

import datetime
from dataclasses import dataclass
from typing import Annotated, Literal

from otel_threads.core.fields import Described

IssueKind = Literal["error", "tool", "unanswered"]
IssueState = Literal["open", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTurn:
    """A turn that failed, whose tool failed, or that has a question and no answer."""

    project: str
    thread_id: str
    turn_index: int
    start_time: datetime.datetime
    user: str | None
    has_answer: bool
    error_type: str | None
    error_message: str | None
    failed_tools: list[str]  # each a JSON object: name, arguments, error


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """Turns of one day (UTC)."""

    day: datetime.date
    turn_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """The same failure in several threads."""

    issue_id: str
    project: str
    kind: Annotated[
        IssueKind,
        Described("error: the turn failed; tool: a tool did; unanswered: nothing was answered."),
    ]
    title: Annotated[str, Described("What its failures have in common; from what spans brought.")]
    name: Annotated[
        str | None,
        Described("What a model calls it, where one is set; null until it was asked."),
    ]
    state: Annotated[IssueState, Described("closed until a turn fails so after it was closed.")]
    is_reopened: bool
    closed_at: datetime.datetime | None
    first_seen_time: datetime.datetime
    last_seen_time: datetime.datetime
    thread_count: int
    turn_count: int
    thread_ids: Annotated[list[str], Described("The latest threads, 50 at most.")]
    filter: Annotated[
        str, Described("Selects these threads; the latest, where their ids are too long for one.")
    ]
    trend: Annotated[list[DayCount], Described("Its last 14 days, the earliest first.")]
