"""REST calls of offline evaluations: data sets, runs, results, what two runs differ in."""

from typing import Annotated

from fastapi import FastAPI, Path, Query, Response

from otel_threads.api import evaluation_bodies as bodies
from otel_threads.api import evaluation_schemas as schemas
from otel_threads.api.rest.annotation_routes import ProjectQuery
from otel_threads.api.rest.list_part import CursorQuery, LimitQuery, Part, TotalQuery
from otel_threads.api.rest.review_routes import Tags
from otel_threads.api.rest.route import BASE, CONFLICT, ERRORS, MISSING, json_response
from otel_threads.core.changes import Written
from otel_threads.core.evaluation import Comparison, Dataset, Evaluation
from otel_threads.core.limits import PAGE_ITEMS_DEFAULT
from otel_threads.services.evaluations import EvaluationService

DATASETS = f"{BASE}/evaluation-datasets"
RUNS = f"{BASE}/evaluations"
DatasetName = Annotated[str, Path(description="Name of the data set.")]
VersionQuery = Annotated[int | None, Query(ge=1, description="Version; the newest if left out.")]


def add_datasets(api: FastAPI, evaluations: EvaluationService) -> None:
    """Add the calls of data sets."""
    tags: Tags = ["evaluations"]

    @api.get(DATASETS, response_model=schemas.Datasets, responses=ERRORS | MISSING, tags=tags)
    def list_datasets(
        part: Part,
        name: Annotated[
            str | None, Query(min_length=1, description="All versions of this one.")
        ] = None,
    ) -> Response:
        """List the newest version of each data set, by name."""
        found = evaluations.datasets() if name is None else evaluations.versions(name)
        return json_response(part.of(found))

    @api.post(DATASETS, response_model=Dataset, responses=ERRORS | CONFLICT, tags=tags)
    def create_dataset(body: bodies.NewDataset) -> Response:
        """Make a new version of a data set: of items, or of the latest threads of a filter."""
        return json_response(evaluations.create_dataset(**body.given()))

    @api.get(f"{DATASETS}/{{name}}", response_model=Dataset, responses=ERRORS | MISSING, tags=tags)
    def get_dataset(name: DatasetName, version: VersionQuery = None) -> Response:
        """Get one version of a data set."""
        return json_response(evaluations.dataset(name, version))

    @api.delete(
        f"{DATASETS}/{{name}}",
        status_code=204,
        responses=ERRORS | MISSING | CONFLICT,
        tags=tags,
    )
    def delete_dataset(
        name: DatasetName,
        version: Annotated[
            int | None, Query(ge=1, description="One that is incomplete; all if left out.")
        ] = None,
    ) -> Response:
        """Delete all versions of a data set, or one that an import left incomplete; runs stay."""
        evaluations.delete_dataset(name, version)
        return Response(status_code=204)


def add_items(api: FastAPI, evaluations: EvaluationService) -> None:
    """Add the call of a data set's items."""

    @api.get(
        f"{DATASETS}/{{name}}/items",
        response_model=schemas.DatasetItems,
        responses=ERRORS | MISSING,
        tags=["evaluations"],
    )
    def list_dataset_items(
        name: DatasetName,
        version: VersionQuery = None,
        limit: LimitQuery = PAGE_ITEMS_DEFAULT,
        cursor: CursorQuery = None,
        with_total: TotalQuery = False,
    ) -> Response:
        """List the items of a version, in their order."""
        return json_response(
            evaluations.items(
                name, version=version, limit=limit, cursor=cursor, with_total=with_total
            )
        )


def add_runs(api: FastAPI, evaluations: EvaluationService) -> None:
    """Add the calls of runs and their comparison, which stands before the call of one run."""
    tags: Tags = ["evaluations"]

    @api.get(RUNS, response_model=schemas.EvaluationRuns, responses=ERRORS, tags=tags)
    def list_evaluations(
        project: ProjectQuery = None,
        name: Annotated[str | None, Query(description="Only runs of this name.")] = None,
        limit: LimitQuery = PAGE_ITEMS_DEFAULT,
        cursor: CursorQuery = None,
        with_total: TotalQuery = False,
    ) -> Response:
        """List runs, the latest first."""
        return json_response(
            evaluations.evaluations(
                project=project, name=name, limit=limit, cursor=cursor, with_total=with_total
            )
        )

    @api.post(RUNS, response_model=Evaluation, responses=ERRORS | MISSING, tags=tags)
    def create_evaluation(body: bodies.NewEvaluation) -> Response:
        """Begin a run; its results follow."""
        return json_response(evaluations.begin(**body.given()))

    @api.get(f"{RUNS}/compare", response_model=Comparison, responses=ERRORS | MISSING, tags=tags)
    def compare_evaluations(
        base: Annotated[str, Query(description="Id of the run to compare with.")],
        candidate: Annotated[str, Query(description="Id of the run that may be better or worse.")],
        name: Annotated[str | None, Query(description="Items of this score alone.")] = None,
        limit: LimitQuery = PAGE_ITEMS_DEFAULT,
    ) -> Response:
        """Compare two runs over the items that both have: paired differences, worst items first."""
        return json_response(evaluations.compare(base, candidate, name=name, limit=limit))


def add_run(api: FastAPI, evaluations: EvaluationService) -> None:
    """Add the calls of one run."""
    tags: Tags = ["evaluations"]

    @api.get(
        f"{RUNS}/{{evaluation_id}}",
        response_model=Evaluation,
        responses=ERRORS | MISSING,
        tags=tags,
    )
    def get_evaluation(evaluation_id: str) -> Response:
        """Get one run."""
        return json_response(evaluations.evaluation(evaluation_id))

    @api.patch(
        f"{RUNS}/{{evaluation_id}}",
        response_model=Evaluation,
        responses=ERRORS | MISSING,
        tags=tags,
    )
    def update_evaluation(evaluation_id: str, body: bodies.EvaluationChange) -> Response:
        """End a run, or go on with it."""
        return json_response(evaluations.change(evaluation_id, **body.given()))

    @api.delete(f"{RUNS}/{{evaluation_id}}", status_code=204, responses=ERRORS | MISSING, tags=tags)
    def delete_evaluation(evaluation_id: str) -> Response:
        """Delete a run with its results."""
        evaluations.delete(evaluation_id)
        return Response(status_code=204)


def add_results(api: FastAPI, evaluations: EvaluationService) -> None:
    """Add the calls of a run's results."""
    path = f"{RUNS}/{{evaluation_id}}/results"
    tags: Tags = ["evaluations"]

    @api.get(path, response_model=schemas.EvaluationResults, responses=ERRORS | MISSING, tags=tags)
    def list_results(
        evaluation_id: str,
        item_id: Annotated[str | None, Query(description="Only of this item.")] = None,
        name: Annotated[str | None, Query(description="Only this score.")] = None,
        failed: Annotated[bool | None, Query(description="Only errors, or only scores.")] = None,
        limit: LimitQuery = PAGE_ITEMS_DEFAULT,
        cursor: CursorQuery = None,
        with_total: TotalQuery = False,
    ) -> Response:
        """List the results of a run, in the order in which they came."""
        return json_response(
            evaluations.results(
                evaluation_id,
                item_id=item_id,
                name=name,
                failed=failed,
                limit=limit,
                cursor=cursor,
                with_total=with_total,
            )
        )

    @api.post(path, response_model=Written, responses=ERRORS | MISSING | CONFLICT, tags=tags)
    def put_results(evaluation_id: str, body: bodies.NewResults) -> Response:
        """Store results, in place of those of the same items and scorers."""
        written = evaluations.put_results(evaluation_id, **body.given())
        return json_response(Written(written=written, unknown=[]))
