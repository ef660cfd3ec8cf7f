"""Pages of evaluations and reviews under their names in OpenAPI."""

from otel_threads.api.schemas import PageModel
from otel_threads.core.evaluation import Dataset, DatasetItem, Evaluation, EvaluationResult
from otel_threads.core.review import ReviewQueue, ScoreDefinition


class ScoreDefinitions(PageModel):
    """How scores are given, by name."""

    items: list[ScoreDefinition]


class ReviewQueues(PageModel):
    """Review queues, the newest first."""

    items: list[ReviewQueue]


class Datasets(PageModel):
    """Data sets: the newest version of each, or all of one, the newest first."""

    items: list[Dataset]


class DatasetItems(PageModel):
    """Items of a version of a data set, in their order."""

    items: list[DatasetItem]


class EvaluationRuns(PageModel):
    """Runs, the latest first."""

    items: list[Evaluation]


class EvaluationResults(PageModel):
    """Results of a run, in the order in which they came."""

    items: list[EvaluationResult]
