"""What the calls about evaluations and reviews take. A field that is none of these is an error."""

from typing import Any

from pydantic import Field

from otel_threads.api.bodies import Body
from otel_threads.core import evaluation, review
from otel_threads.core.limits import (
    CATEGORIES_MAX,
    DATASET_PART_ITEMS_MAX,
    FILTER_LENGTH_MAX,
    ID_LENGTH_MAX,
    ITEMS_MAX,
    NAME_LENGTH_MAX,
    QUEUE_SCORES_MAX,
    REVIEWERS_MAX,
    TEXT_LENGTH_MAX,
)
from otel_threads.core.message import Json


class ScoreCategory(Body):
    """A label that a score may have, and the number that it stands for."""

    label: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    value: float | None = Field(None, strict=True, allow_inf_nan=False)


class NewScoreDefinition(Body):
    """How scores of a name are given, in place of what was written before."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    project: str | None = Field(None, description="The default project if left out.")
    kind: review.ScoreKind
    min: float | None = Field(None, strict=True, allow_inf_nan=False)
    max: float | None = Field(None, strict=True, allow_inf_nan=False)
    categories: list[ScoreCategory] | None = Field(None, max_length=CATEGORIES_MAX)
    description: str | None = Field(None, max_length=TEXT_LENGTH_MAX)
    better: review.Better | None = None

    def given(self) -> dict[str, Any]:
        """Return the definition as the service takes it."""
        values = self.model_dump(exclude={"categories"})
        labels = self.categories
        categories = (
            [review.ScoreCategory(**one.model_dump()) for one in labels] if labels else None
        )
        return {"given": review.NewScoreDefinition(**values, categories=categories)}


class NewReviewQueue(Body):
    """Threads to review: those of a filter, whenever it is asked, or those that are named."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    project: str | None = None
    filter: str | None = Field(None, max_length=FILTER_LENGTH_MAX, description="Empty for all.")
    thread_ids: list[str] | None = Field(None, max_length=ITEMS_MAX)
    score_names: list[str] = Field(min_length=1, max_length=QUEUE_SCORES_MAX)
    reviewers_per_thread: int = Field(1, strict=True, ge=1, le=REVIEWERS_MAX)
    instructions: str | None = Field(None, max_length=TEXT_LENGTH_MAX)

    def given(self) -> dict[str, Any]:
        """Return the queue as the service takes it."""
        values = self.model_dump(exclude={"thread_ids", "score_names"})
        ids = None if self.thread_ids is None else tuple(self.thread_ids)
        return {
            "given": review.NewReviewQueue(
                **values, thread_ids=ids, score_names=tuple(self.score_names)
            )
        }


class ReviewQueueChange(Body):
    """What of a queue changes; what is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=NAME_LENGTH_MAX)
    filter: str | None = Field(None, max_length=FILTER_LENGTH_MAX)
    thread_ids: list[str] | None = Field(None, max_length=ITEMS_MAX)
    score_names: list[str] | None = Field(None, min_length=1, max_length=QUEUE_SCORES_MAX)
    reviewers_per_thread: int | None = Field(None, strict=True, ge=1, le=REVIEWERS_MAX)
    instructions: str | None = Field(None, max_length=TEXT_LENGTH_MAX)

    def of(self, queue: review.StoredQueue) -> review.NewReviewQueue:
        """Return a queue with the changes; a filter takes the place of named threads."""
        values = {name: getattr(queue, name) for name in type(self).model_fields}
        given = self.model_dump(exclude_unset=True)
        if given.get("filter") is not None:
            values["thread_ids"] = None
        if given.get("thread_ids") is not None:
            values["filter"] = None
        values |= {name: one for name, one in given.items() if one is not None}
        ids, names = values.pop("thread_ids"), tuple(values.pop("score_names"))
        return review.NewReviewQueue(
            **values,
            project=queue.project,
            thread_ids=None if ids is None else tuple(ids),
            score_names=names,
        )


class Reviewed(Body):
    """A thread that a reviewer has done."""

    thread_id: str = Field(min_length=1, max_length=ID_LENGTH_MAX)
    reviewer: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)


class NewDatasetItem(Body):
    """A conversation to keep: OpenAI's messages, with what is expected of it."""

    messages: list[Json]
    item_id: str | None = Field(None, min_length=1, max_length=ID_LENGTH_MAX)
    thread_id: str | None = Field(None, max_length=ID_LENGTH_MAX)
    project: str | None = Field(None, max_length=NAME_LENGTH_MAX)
    expected: Any = None
    scenario: str | None = Field(None, max_length=TEXT_LENGTH_MAX)
    metadata: Json | None = None


class NewDataset(Body):
    """A new version of a data set: items, or copies of the latest threads of a filter."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    items: list[NewDatasetItem] | None = Field(None, max_length=DATASET_PART_ITEMS_MAX)
    project: str | None = None
    filter: str | None = Field(None, max_length=FILTER_LENGTH_MAX)
    limit: int = Field(ITEMS_MAX, strict=True, ge=1, le=DATASET_PART_ITEMS_MAX)
    imported_from: str | None = Field(None, max_length=NAME_LENGTH_MAX)
    author: str | None = Field(None, max_length=NAME_LENGTH_MAX)
    version: int | None = Field(
        None, strict=True, ge=1, description="Adds the items to this one, which is not complete."
    )
    is_complete: bool = Field(True, strict=True, description="False where more items follow.")

    def given(self) -> dict[str, Any]:
        """Return the data set as the service takes it."""
        values = self.model_dump(exclude={"items"})
        if self.items is None:
            return {**values, "items": None}
        items = [evaluation.NewDatasetItem(**one.model_dump()) for one in self.items]
        return {**values, "items": items}


class Scorer(Body):
    """A scorer of a run; its version changes with what it does."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    version: str | None = Field(None, max_length=NAME_LENGTH_MAX)


class NewEvaluation(Body):
    """A run that begins. Its results follow, a call a batch."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    project: str | None = None
    dataset: str | None = Field(None, max_length=NAME_LENGTH_MAX)
    dataset_version: int | None = Field(None, strict=True, ge=1, description="The newest, if not.")
    filter: str | None = Field(None, max_length=FILTER_LENGTH_MAX)
    scorers: list[Scorer] = Field(min_length=1, max_length=100)
    metadata: Json | None = Field(None, description="Commit, model and what else to note.")
    item_count: int | None = Field(None, strict=True, ge=0, le=1_000_000_000)

    def given(self) -> dict[str, Any]:
        """Return the run as the service takes it."""
        values = self.model_dump(exclude={"scorers"})
        scorers = tuple(evaluation.Scorer(**one.model_dump()) for one in self.scorers)
        return {"given": evaluation.NewEvaluation(**values, scorers=scorers)}


class EvaluationChange(Body):
    """What of a run changes."""

    finished: bool | None = Field(None, strict=True, description="False goes on with it.")
    item_count: int | None = Field(None, strict=True, ge=0, le=1_000_000_000)


class NewResult(Body):
    """What one scorer gave one item: a score under its name, or an error."""

    item_id: str = Field(min_length=1, max_length=ID_LENGTH_MAX)
    scorer: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    thread_id: str | None = Field(None, max_length=ID_LENGTH_MAX)
    project: str | None = Field(None, max_length=NAME_LENGTH_MAX)
    name: str | None = Field(None, min_length=1, max_length=NAME_LENGTH_MAX)
    value: float | None = Field(None, strict=True, allow_inf_nan=False)
    category: str | None = Field(None, max_length=NAME_LENGTH_MAX)
    reason: str | None = Field(None, max_length=TEXT_LENGTH_MAX)
    error: str | None = Field(None, max_length=TEXT_LENGTH_MAX)
    duration_ms: float | None = Field(None, strict=True, ge=0, allow_inf_nan=False)
    cost_usd: float | None = Field(None, strict=True, ge=0, allow_inf_nan=False)


class NewResults(Body):
    """Results of a run, in place of those of the same items and scorers."""

    results: list[NewResult] = Field(min_length=1, max_length=ITEMS_MAX)

    def given(self) -> dict[str, Any]:
        """Return the results as the service takes them."""
        return {"results": [evaluation.NewResult(**one.model_dump()) for one in self.results]}
