"""REST calls that write and list annotations: scores, comments, tags, lifecycle, saved views."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Query, Response

from otel_threads.api import bodies, schemas
from otel_threads.api.rest.route import BASE, CONFLICT, ERRORS, MISSING
from otel_threads.api.rest.thread_routes import CursorQuery, LimitQuery
from otel_threads.core.score import Comment
from otel_threads.services.annotations import AnnotationService
from otel_threads.services.threads import LIMIT_DEFAULT

Delete = Callable[..., dict[str, object]]
ProjectQuery = Annotated[
    str | None, Query(description="Project; the default if left out, * for all.")
]
TraceQuery = Annotated[str | None, Query(description="Trace id, 32 hexadecimal digits.")]
SpanQuery = Annotated[str | None, Query(description="Span id.")]
ThreadQuery = Annotated[str | None, Query(description="Conversation id.")]


def add_scores(api: FastAPI, annotations: AnnotationService) -> None:
    """Add the calls of scores."""

    @api.put(f"{BASE}/scores", responses=ERRORS, tags=["scores"])
    def put_scores(body: bodies.NewScores) -> schemas.Written:
        """Write scores, all or none; each in place of its target's, name's and author's."""
        given = [score.model_dump() for score in body.scores]
        return schemas.Written.model_validate(annotations.put_scores(given))

    @api.get(f"{BASE}/scores", responses=ERRORS, tags=["scores"])
    def list_scores(
        project: ProjectQuery = None,
        thread_id: ThreadQuery = None,
        trace_id: TraceQuery = None,
        span_id: SpanQuery = None,
        name: Annotated[str | None, Query(description="Name of the score.")] = None,
        author: Annotated[str | None, Query(description="Only of this author.")] = None,
        source: Annotated[str | None, Query(description="Only of this source.")] = None,
        include_superseded: Annotated[bool, Query(description="History too.")] = False,
        limit: LimitQuery = LIMIT_DEFAULT,
        cursor: CursorQuery = None,
    ) -> schemas.Scores:
        """List scores; a thread's are its own and those of its traces and spans."""
        return schemas.Scores.model_validate(
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
            )
        )

    @api.get(f"{BASE}/scores/names", responses=ERRORS, tags=["scores"])
    def list_score_names(project: ProjectQuery = None) -> schemas.ScoreNames:
        """List the names in use."""
        return schemas.ScoreNames.model_validate(annotations.score_names(project=project))

    @api.post(f"{BASE}/scores/delete", responses=ERRORS, tags=["scores"])
    def delete_scores(body: bodies.ScoreTargets) -> schemas.Deleted:
        """Delete scores by target and name, of one author or of all."""
        given = [target.model_dump() for target in body.scores]
        return schemas.Deleted.model_validate(annotations.delete_scores(given))


def add_comments(api: FastAPI, annotations: AnnotationService) -> None:
    """Add the calls of comments."""

    @api.post(f"{BASE}/comments", responses=ERRORS, tags=["comments"])
    def add_comment(body: bodies.NewComment) -> Comment:
        """Write a comment on a thread, a trace or a span."""
        return schemas.checked(Comment, annotations.add_comment(body.model_dump()))

    @api.get(f"{BASE}/comments", responses=ERRORS, tags=["comments"])
    def list_comments(
        project: ProjectQuery = None,
        thread_id: ThreadQuery = None,
        trace_id: TraceQuery = None,
        span_id: SpanQuery = None,
        limit: LimitQuery = LIMIT_DEFAULT,
        cursor: CursorQuery = None,
    ) -> schemas.Comments:
        """List comments, oldest first; a trace's are its own and those of its spans."""
        return schemas.Comments.model_validate(
            annotations.comments(
                project=project,
                thread_id=thread_id,
                trace_id=trace_id,
                span_id=span_id,
                limit=limit,
                cursor=cursor,
            )
        )

    @api.patch(f"{BASE}/comments/{{comment_id}}", responses=ERRORS | MISSING, tags=["comments"])
    def update_comment(comment_id: str, body: bodies.CommentChange) -> Comment:
        """Change a comment's words."""
        return schemas.checked(Comment, annotations.update_comment(comment_id, body.text))

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


def add_lifecycle(
    api: FastAPI, annotations: AnnotationService, delete_threads: Delete, delete_traces: Delete
) -> None:
    """Add the calls that change threads and traces as a whole."""

    @api.post(f"{BASE}/threads/close", responses=ERRORS, tags=["threads"])
    def close_threads(body: bodies.ThreadIds) -> schemas.Updated:
        """Make threads inactive; the next new trace opens them again."""
        return schemas.Updated.model_validate(
            annotations.close_threads(body.thread_ids, project=body.project, closed=True)
        )

    @api.post(f"{BASE}/threads/reopen", responses=ERRORS, tags=["threads"])
    def reopen_threads(body: bodies.ThreadIds) -> schemas.Updated:
        """Make threads active again, for the cooldown."""
        return schemas.Updated.model_validate(
            annotations.close_threads(body.thread_ids, project=body.project, closed=False)
        )

    @api.post(f"{BASE}/threads/delete", responses=ERRORS, tags=["threads"])
    def delete_thread(body: bodies.ThreadIds) -> schemas.Updated:
        """Delete threads with their spans, scores, comments and tags. There is no way back."""
        return schemas.Updated.model_validate(delete_threads(body.thread_ids, project=body.project))

    @api.post(f"{BASE}/traces/delete", responses=ERRORS, tags=["traces"])
    def delete_trace(body: bodies.TraceIds) -> schemas.Updated:
        """Delete traces with their spans, scores and comments. There is no way back."""
        return schemas.Updated.model_validate(delete_traces(body.trace_ids, project=body.project))

    @api.patch(f"{BASE}/threads/tags", responses=ERRORS | CONFLICT, tags=["threads"])
    def update_tags(body: bodies.TagChange) -> schemas.Updated:
        """Add tags to threads or traces, and remove others; also those that spans brought."""
        return schemas.Updated.model_validate(annotations.change_tags(**body.model_dump()))

    @api.patch(f"{BASE}/projects", responses=ERRORS, tags=["server"])
    def update_project(body: bodies.ProjectSettings) -> bodies.ProjectSettings:
        """Give a project a cooldown or a retention of its own; what is left out stays."""
        return bodies.ProjectSettings.model_validate(
            annotations.put_project(**body.model_dump(exclude_unset=True))
        )


def add_views(api: FastAPI, annotations: AnnotationService) -> None:
    """Add the calls of saved selections."""

    @api.get(f"{BASE}/views", responses=ERRORS, tags=["views"])
    def list_views(project: ProjectQuery = None) -> schemas.Views:
        """List saved selections."""
        return schemas.Views.model_validate(annotations.views(project=project))

    @api.post(f"{BASE}/views", responses=ERRORS, tags=["views"])
    def put_view(body: bodies.NewView) -> schemas.View:
        """Save a selection under its name."""
        return schemas.View.model_validate(annotations.put_view(body.model_dump()))

    @api.delete(f"{BASE}/views", status_code=204, responses=ERRORS | MISSING, tags=["views"])
    def delete_view(
        name: Annotated[str, Query(description="Name of the view.")],
        project: ProjectQuery = None,
    ) -> Response:
        """Delete a saved selection."""
        annotations.delete_view(name, project=project)
        return Response(status_code=204)
