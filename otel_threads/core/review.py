"""Scores as they should be given, and queues of threads that people review."""

import datetime
from dataclasses import dataclass
from typing import Annotated, Literal

from otel_threads.core.fields import Described

ScoreKind = Literal["numeric", "categorical", "boolean"]
Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCategory:
    """A label that a score may have, and the number that it stands for."""

    label: str
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewScoreDefinition:
    """How scores of a name are given, in place of the definition of that name."""

    name: str
    kind: ScoreKind
    project: str | None = None
    min: float | None = None
    max: float | None = None
    categories: list[ScoreCategory] | None = None
    description: str | None = None
    better: Better | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDefinition:
    """How scores of a name are given: forms offer it, and writing checks it on request."""

    name: str
    project: str
    kind: ScoreKind
    min: float | None
    max: float | None
    categories: list[ScoreCategory] | None
    description: str | None
    better: Annotated[Better | None, Described("Which values are good; null where neither is.")]
    created_at: datetime.datetime
    updated_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReviewQueue:
    """Threads to review: those of a filter, whenever it is asked, or those that are named."""

    name: str
    project: str | None = None
    filter: str | None = None
    thread_ids: tuple[str, ...] | None = None
    score_names: tuple[str, ...] = ()
    reviewers_per_thread: int = 1
    instructions: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredQueue:
    """A review queue without its progress."""

    queue_id: str
    name: str
    project: str
    filter: str | None
    thread_ids: list[str] | None
    score_names: list[str]
    reviewers_per_thread: int
    instructions: str | None
    created_at: datetime.datetime
    updated_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQueue(StoredQueue):
    """Threads that people review, by filter or by hand."""

    done_count: Annotated[int, Described("Threads that as many reviewers as wanted have done.")]
    total_count: Annotated[int, Described("Threads of the queue.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextReview:
    """The thread to review next; `thread_id` is null where nothing is left for the reviewer.

    It is the reviewer's until `locked_until`; `own_done_count` is how many the reviewer has done.
    """

    queue_id: str
    project: str
    thread_id: str | None
    locked_until: datetime.datetime | None
    own_done_count: int
    done_count: int
    total_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewProgress:
    """How far a queue is."""

    done_count: int
    total_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreAgreement:
    """How far reviewers agree on one score: 1 wholly, 0 no more than by chance, below 0 less.

    `alpha` is Krippendorff's, with the distance of numbers or of categories; null where fewer than
    two threads have scores of two reviewers, or all are alike. `agreement` is the share of pairs of
    scores of one thread that are the same.
    """

    name: str
    kind: Literal["interval", "nominal"]
    alpha: float | None
    agreement: float | None
    thread_count: int
    reviewer_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far the reviewers of a queue agree, by score."""

    queue_id: str
    items: list[ScoreAgreement]
    next_cursor: str | None = None
