"""Evaluations: data sets of conversations, runs of scorers over them, what two runs differ in."""

import datetime
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from otel_threads.core.fields import Described
from otel_threads.core.message import Json

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDatasetItem:
    """A conversation to keep: OpenAI's messages, with what is expected of it."""

    messages: list[Json]
    item_id: str | None = None
    thread_id: str | None = None
    project: str | None = None
    expected: Any = None
    scenario: str | None = None
    metadata: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetItem:
    """A conversation of a data set. Its id tells it from the others of one version."""

    item_id: str
    project: str | None
    thread_id: str | None
    messages: list[Json]
    expected: Any
    scenario: str | None
    metadata: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One version of a data set; a version that is complete never changes."""

    name: str
    version: int
    item_count: int
    source: Annotated[Json, Described("`{filter, project, …}`, or `{import: name of the file}`.")]
    created_at: datetime.datetime
    author: str | None
    is_complete: Annotated[bool, Described("False while items of it are still to come.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A scorer of a run; its version changes with what it does."""

    name: str
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvaluation:
    """A run of scorers that begins."""

    name: str
    project: str | None = None
    dataset: str | None = None
    dataset_version: int | None = None
    filter: str | None = None
    scorers: tuple[Scorer, ...] = ()
    metadata: Json | None = None
    item_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationCounts:
    """How many items a run has, has results of, and failed to score."""

    items: int | None
    scored: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationScore:
    """One score over a run; mean, min and max are null where there are only categories."""

    count: int
    mean: float | None
    min: float | None
    max: float | None
    categories: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A run of scorers. `finished_at` is null while it runs, or where it broke off."""

    evaluation_id: str
    name: str
    project: str
    dataset: str | None
    dataset_version: int | None
    filter: str | None
    scorers: list[Scorer]
    metadata: Json
    started_at: datetime.datetime
    finished_at: datetime.datetime | None
    counts: EvaluationCounts
    scores: dict[str, EvaluationScore]
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewResult:
    """What one scorer gave one item: a score, or the error that kept it from one."""

    item_id: str
    scorer: str
    thread_id: str | None = None
    project: str | None = None
    name: str | None = None
    value: float | None = None
    category: str | None = None
    reason: str | None = None
    error: str | None = None
    duration_ms: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    """What one scorer gave one item: a score under its name, or an error."""

    item_id: str
    project: str | None
    thread_id: str | None
    scorer: str
    name: str | None
    value: float | None
    category: str | None
    reason: str | None
    error: str | None
    duration_ms: float | None
    cost_usd: float | None
    created_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreComparison:
    """One score in two runs, over the items that have it in both.

    `difference` is candidate minus base. `confidence_interval` holds the true mean difference in
    95 of 100 cases (bootstrap over the pairs). `p_value` is how likely at least such a difference
    is by chance, by `test`: `mcnemar_exact` for scores of 0 and 1, else `sign_flip`, exact for few
    pairs. Null where there are no pairs. `better` says which values are good.
    """

    base_mean: float | None
    candidate_mean: float | None
    difference: float | None
    confidence_interval: list[float] | None
    p_value: float | None
    pair_count: int
    better_count: int
    worse_count: int
    test: Literal["mcnemar_exact", "sign_flip"] | None
    better: Better | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemComparison:
    """One score of one item in two runs; `loss` is how much worse it became, below 0 for better."""

    item_id: str
    project: str | None
    thread_id: str | None
    name: str
    base: float
    candidate: float
    difference: float
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two runs differ in: by score, and the items that differ, the greatest loss first."""

    base: Evaluation
    candidate: Evaluation
    scores: dict[str, ScoreComparison]
    items: list[ItemComparison]
    only_in_base: Annotated[int, Described("Items without a result in the candidate.")]
    only_in_candidate: int
