"""REST calls for people who score: how scores are given, queues of threads, agreement."""

from enum import Enum
from typing import Annotated

from fastapi import FastAPI, Query, Response

from otel_threads.api import evaluation_bodies as bodies
from otel_threads.api import evaluation_schemas as schemas
from otel_threads.api.rest.annotation_routes import ProjectQuery
from otel_threads.api.rest.list_part import Part
from otel_threads.api.rest.route import BASE, CONFLICT, ERRORS, MISSING, json_response
from otel_threads.core.limits import NAME_LENGTH_MAX
from otel_threads.core.review import (
    Agreement,
    NextReview,
    ReviewProgress,
    ReviewQueue,
    ScoreDefinition,
)
from otel_threads.services.reviews import ReviewService

Tags = list[str | Enum]
QUEUES = f"{BASE}/review-queues"
ReviewerQuery = Annotated[
    str, Query(description="Who reviews.", min_length=1, max_length=NAME_LENGTH_MAX)
]


def add_definitions(api: FastAPI, reviews: ReviewService) -> None:
    """Add the calls of score definitions."""
    path = f"{BASE}/score-definitions"
    tags: Tags = ["scores"]

    @api.get(path, response_model=schemas.ScoreDefinitions, responses=ERRORS, tags=tags)
    def list_score_definitions(part: Part, project: ProjectQuery = None) -> Response:
        """List how scores are given, by name."""
        return json_response(part.of(reviews.definitions(project=project)))

    @api.put(path, response_model=ScoreDefinition, responses=ERRORS | CONFLICT, tags=tags)
    def put_score_definition(body: bodies.NewScoreDefinition) -> Response:
        """Say how scores of a name are given, in place of what was said before."""
        return json_response(reviews.put_definition(**body.given()))

    @api.delete(path, status_code=204, responses=ERRORS | MISSING, tags=tags)
    def delete_score_definition(
        name: Annotated[str, Query(description="Its name.")], project: ProjectQuery = None
    ) -> Response:
        """Delete how scores of a name are given; the scores stay."""
        reviews.delete_definition(name, project=project)
        return Response(status_code=204)


def add_queues(api: FastAPI, reviews: ReviewService) -> None:
    """Add the calls of review queues."""
    tags: Tags = ["reviews"]

    @api.get(QUEUES, response_model=schemas.ReviewQueues, responses=ERRORS, tags=tags)
    def list_review_queues(part: Part, project: ProjectQuery = None) -> Response:
        """List review queues with how far they are, the newest first."""
        return json_response(part.of(reviews.queues(project=project)))

    @api.post(QUEUES, response_model=ReviewQueue, responses=ERRORS | CONFLICT, tags=tags)
    def create_review_queue(body: bodies.NewReviewQueue) -> Response:
        """Make a queue of threads, by filter or by hand."""
        return json_response(reviews.put_queue(**body.given()))

    @api.get(
        f"{QUEUES}/{{queue_id}}",
        response_model=ReviewQueue,
        responses=ERRORS | MISSING,
        tags=tags,
    )
    def get_review_queue(queue_id: str) -> Response:
        """Get one queue."""
        return json_response(reviews.queue(queue_id))

    @api.patch(
        f"{QUEUES}/{{queue_id}}",
        response_model=ReviewQueue,
        responses=ERRORS | MISSING,
        tags=tags,
    )
    def update_review_queue(queue_id: str, body: bodies.ReviewQueueChange) -> Response:
        """Change a queue; what is left out stays. A filter takes the place of named threads."""
        changed = body.of(reviews.queue(queue_id))
        return json_response(reviews.put_queue(changed, queue_id=queue_id))

    @api.delete(f"{QUEUES}/{{queue_id}}", status_code=204, responses=ERRORS | MISSING, tags=tags)
    def delete_review_queue(queue_id: str) -> Response:
        """Delete a queue; the scores of its reviewers stay."""
        reviews.delete_queue(queue_id)
        return Response(status_code=204)


def add_reviewing(api: FastAPI, reviews: ReviewService) -> None:
    """Add the calls with which people work through a queue."""
    tags: Tags = ["reviews"]

    @api.get(
        f"{QUEUES}/{{queue_id}}/next",
        response_model=NextReview,
        responses=ERRORS | MISSING,
        tags=tags,
    )
    def next_review(queue_id: str, reviewer: ReviewerQuery) -> Response:
        """Lock the next thread for a reviewer, for 15 minutes; the same until it is done."""
        return json_response(reviews.next(queue_id, reviewer))

    @api.post(
        f"{QUEUES}/{{queue_id}}/done",
        response_model=ReviewProgress,
        responses=ERRORS | MISSING,
        tags=tags,
    )
    def finish_review(queue_id: str, body: bodies.Reviewed) -> Response:
        """Note that a reviewer has done a thread."""
        return json_response(reviews.done(queue_id, body.thread_id, body.reviewer))

    @api.get(
        f"{QUEUES}/{{queue_id}}/agreement",
        response_model=Agreement,
        responses=ERRORS | MISSING,
        tags=tags,
    )
    def get_agreement(queue_id: str) -> Response:
        """Tell how far the reviewers of a queue agree, by score."""
        return json_response(reviews.agreement(queue_id))


def locks(path: str) -> bool:
    """Return whether a path is that of the call that locks a thread: a GET that writes."""
    return path.startswith(QUEUES) and path.endswith("/next")
