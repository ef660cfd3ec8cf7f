"""Issues over REST: failures that several threads have in common."""

from typing import Annotated, Literal

from fastapi import FastAPI, Query, Response

from otel_threads.api import bodies, schemas
from otel_threads.api.rest.list_part import CursorQuery, LimitQuery, TotalQuery
from otel_threads.api.rest.route import BASE, ERRORS, json_response
from otel_threads.api.rest.thread_routes import TimeQuery
from otel_threads.core.changes import Updated
from otel_threads.core.limits import PAGE_ITEMS_DEFAULT
from otel_threads.services.issues import IssueService

StateQuery = Annotated[Literal["open", "closed"] | None, Query(description="All if left out.")]
SinceQuery = Annotated[
    TimeQuery | None,
    Query(alias="from", description="Failures since then; 30 days if left out."),
]


def add_issues(api: FastAPI, issues: IssueService) -> None:
    """Add the calls."""

    @api.get(f"{BASE}/issues", response_model=schemas.Issues, responses=ERRORS, tags=["issues"])
    def list_issues(
        project: Annotated[str | None, Query(description="All if left out, or *.")] = None,
        state: StateQuery = None,
        from_time: SinceQuery = None,
        threads_min: Annotated[int, Query(ge=1, le=1000, description="Threads of each.")] = 2,
        limit: LimitQuery = PAGE_ITEMS_DEFAULT,
        cursor: CursorQuery = None,
        with_total: TotalQuery = True,
    ) -> Response:
        """List failures that threads have in common, those with the most threads first."""
        found = issues.issues(
            project=project,
            state=state,
            from_time=from_time,
            threads_min=threads_min,
            limit=limit,
            cursor=cursor,
            with_total=with_total,
        )
        return json_response(found)

    @api.post(f"{BASE}/issues/close", response_model=Updated, responses=ERRORS, tags=["issues"])
    def close_issues(body: bodies.IssueIds) -> Response:
        """Close issues; a turn that fails so later opens them again."""
        return json_response(issues.close(body.issue_ids, project=body.project, closed=True))

    @api.post(f"{BASE}/issues/reopen", response_model=Updated, responses=ERRORS, tags=["issues"])
    def reopen_issues(body: bodies.IssueIds) -> Response:
        """Open issues again."""
        return json_response(issues.close(body.issue_ids, project=body.project, closed=False))
