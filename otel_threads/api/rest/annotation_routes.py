"""REST calls that write and list annotations: scores, comments, tags, lifecycle, saved views."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Query, Response

from otel_threads.api import bodies, schemas
from otel_threads.api.rest.list_part import CursorQuery, LimitQuery, Part, TotalQuery
from otel_threads.api.rest.route import BASE, CONFLICT, ERRORS, MISSING, json_response
from otel_threads.core.changes import Deleted, Updated, Written
from otel_threads.core.limits import PAGE_ITEMS_DEFAULT
from otel_threads.core.project import ProjectSettings, View
from otel_threads.core.score import Comment
from otel_threads.services.annotations import AnnotationService

Delete = Callable[..., Updated]
ProjectQuery = Annotated[str | None, Query(description="Project; all if left out, or *.")]
TraceQuery = Annotated[str | None, Query(description="Trace id, 32 hexadecimal digits.")]
SpanQuery = Annotated[str | None, Query(description="Span id.")]
ThreadQuery = Annotated[str | None, Query(description="Conversation id.")]


def add_scores(api: FastAPI, annotations: AnnotationService) -> None:
    """Add the calls that write scores, and the names in use."""

    @api.put(f"{BASE}/scores", response_model=Written, responses=ERRORS, tags=["scores"])
    def put_scores(body: bodies.NewScores) -> Response:
        """Write scores, all or none; each in place of its target's, name's and author's."""
        return json_response(annotations.put_scores(**body.given()))

    @api.get(
        f"{BASE}/scores/names", response_model=schemas.ScoreNames, responses=ERRORS, tags=["scores"]
    )
    def list_score_names(part: Part, project: ProjectQuery = None) -> Response:
        """List the names in use."""
        return json_response(part.of(annotations.score_names(project=project)))

    @api.post(f"{BASE}/scores/delete", response_model=Deleted, responses=ERRORS, tags=["scores"])
    def delete_scores(body: bodies.ScoreTargets) -> Response:
        """Delete scores by target and name, of one author or of all."""
        return json_response(annotations.delete_scores(**body.given()))


def add_score_list(api: FastAPI, annotations: AnnotationService) -> None:
    """Add the list of scores."""

    @api.get(f"{BASE}/scores", response_model=schemas.Scores, responses=ERRORS, tags=["scores"])
    def list_scores(
        project: ProjectQuery = None,
        thread_id: ThreadQuery = None,
        trace_id: TraceQuery = None,
        span_id: SpanQuery = None,
        name: Annotated[str | None, Query(description="Name of the score.")] = None,
        author: Annotated[str | None, Query(description="Only of this author.")] = None,
        source: Annotated[str | None, Query(description="Only of this source.")] = None,
        include_superseded: Annotated[bool, Query(description="History too.")] = False,
        limit: LimitQuery = PAGE_ITEMS_DEFAULT,
        cursor: CursorQuery = None,
        with_total: TotalQuery = False,
    ) -> Response:
        """List scores; a thread's are its own and those of its traces and spans."""
        return json_response(
            annotations.scores(
                project=project,
                thread_id=thread_id,
                trace_id=trace_id,
                span_id=span_id,
                name=name,
                author=author,
                source=source,
                include_superseded=include_superseded,
                limit=limit,
                cursor=cursor,
                with_total=with_total,
            )
        )


def add_comments(api: FastAPI, annotations: AnnotationService) -> None:
    """Add the calls of comments."""

    @api.post(f"{BASE}/comments", response_model=Comment, responses=ERRORS, tags=["comments"])
    def add_comment(body: bodies.NewComment) -> Response:
        """Write a comment on a thread, a trace or a span."""
        return json_response(annotations.add_comment(**body.given()))

    @api.get(
        f"{BASE}/comments", response_model=schemas.Comments, responses=ERRORS, tags=["comments"]
    )
    def list_comments(
        project: ProjectQuery = None,
        thread_id: ThreadQuery = None,
        trace_id: TraceQuery = None,
        span_id: SpanQuery = None,
        limit: LimitQuery = PAGE_ITEMS_DEFAULT,
        cursor: CursorQuery = None,
        with_total: TotalQuery = False,
    ) -> Response:
        """List comments, oldest first; a trace's are its own and those of its spans."""
        return json_response(
            annotations.comments(
                project=project,
                thread_id=thread_id,
                trace_id=trace_id,
                span_id=span_id,
                limit=limit,
                cursor=cursor,
                with_total=with_total,
            )
        )

    @api.patch(
        f"{BASE}/comments/{{comment_id}}",
        response_model=Comment,
        responses=ERRORS | MISSING,
        tags=["comments"],
    )
    def update_comment(comment_id: str, body: bodies.CommentChange) -> Response:
        """Change a comment's text."""
        return json_response(annotations.update_comment(comment_id, body.text))

    @api.delete(
        f"{BASE}/comments/{{comment_id}}",
        status_code=204,
        responses=ERRORS | MISSING,
        tags=["comments"],
    )
    def delete_comment(comment_id: str) -> Response:
        """Delete a comment."""
        annotations.delete_comment(comment_id)
        return Response(status_code=204)


def add_lifecycle(api: FastAPI, annotations: AnnotationService) -> None:
    """Add the calls that change threads and traces as a whole."""

    @api.post(f"{BASE}/threads/close", response_model=Updated, responses=ERRORS, tags=["threads"])
    def close_threads(body: bodies.ThreadIds) -> Response:
        """Make threads inactive; the next new trace opens them again."""
        return json_response(
            annotations.close_threads(body.thread_ids, project=body.project, closed=True)
        )

    @api.post(f"{BASE}/threads/reopen", response_model=Updated, responses=ERRORS, tags=["threads"])
    def reopen_threads(body: bodies.ThreadIds) -> Response:
        """Make threads active again, for the cooldown."""
        return json_response(
            annotations.close_threads(body.thread_ids, project=body.project, closed=False)
        )

    @api.patch(
        f"{BASE}/threads/tags",
        response_model=Updated,
        responses=ERRORS | CONFLICT,
        tags=["threads"],
    )
    def update_tags(body: bodies.TagChange) -> Response:
        """Add tags to threads or traces, and remove others; also those that spans brought."""
        return json_response(annotations.change_tags(**body.given()))

    @api.patch(
        f"{BASE}/projects", response_model=ProjectSettings, responses=ERRORS, tags=["server"]
    )
    def update_project(body: bodies.ProjectSettings) -> Response:
        """Give a project a cooldown or a retention of its own; what is left out stays."""
        return json_response(annotations.put_project(**body.given()))


def add_deletion(api: FastAPI, delete_threads: Delete, delete_traces: Delete) -> None:
    """Add the calls that delete threads and traces."""

    @api.post(f"{BASE}/threads/delete", response_model=Updated, responses=ERRORS, tags=["threads"])
    def delete_thread(body: bodies.ThreadIds) -> Response:
        """Delete threads with their spans, scores, comments and tags. There is no way back."""
        return json_response(delete_threads(body.thread_ids, project=body.project))

    @api.post(f"{BASE}/traces/delete", response_model=Updated, responses=ERRORS, tags=["traces"])
    def delete_trace(body: bodies.TraceIds) -> Response:
        """Delete traces with their spans, scores and comments. There is no way back."""
        return json_response(delete_traces(body.trace_ids, project=body.project))


def add_views(api: FastAPI, annotations: AnnotationService) -> None:
    """Add the calls of saved selections."""

    @api.get(f"{BASE}/views", response_model=schemas.Views, responses=ERRORS, tags=["views"])
    def list_views(part: Part, project: ProjectQuery = None) -> Response:
        """List saved selections."""
        return json_response(part.of(annotations.views(project=project)))

    @api.post(f"{BASE}/views", response_model=View, responses=ERRORS, tags=["views"])
    def put_view(body: bodies.NewView) -> Response:
        """Save a selection under its name."""
        return json_response(annotations.put_view(**body.given()))

    @api.delete(f"{BASE}/views", status_code=204, responses=ERRORS | MISSING, tags=["views"])
    def delete_view(
        name: Annotated[str, Query(description="Name of the view.")],
        project: ProjectQuery = None,
    ) -> Response:
        """Delete a saved selection."""
        annotations.delete_view(name, project=project)
        return Response(status_code=204)
