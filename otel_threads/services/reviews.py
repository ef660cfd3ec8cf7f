"""Services for people who score: how scores are given, queues of threads, agreement."""

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

from otel_threads.core import filters
from otel_threads.core.errors import Conflict, InvalidQuery, NotFound
from otel_threads.core.limits import (
    CATEGORIES_MAX,
    DEFINITIONS_MAX,
    ID_LENGTH_MAX,
    ITEMS_MAX,
    QUEUE_SCORES_MAX,
    QUEUE_THREADS_MAX,
    QUEUES_MAX,
    REVIEWERS_MAX,
    TEXT_LENGTH_MAX,
)
from otel_threads.core.page import Page
from otel_threads.core.review import (
    Agreement,
    Better,
    NewReviewQueue,
    NewScoreDefinition,
    NextReview,
    ReviewProgress,
    ReviewQueue,
    ScoreAgreement,
    ScoreDefinition,
    StoredQueue,
)
from otel_threads.core.score import NewScore
from otel_threads.evaluate import agreement
from otel_threads.services.checks import check_name, check_text, check_value
from otel_threads.services.threads import ThreadService
from otel_threads.store.reviews.review_rows import ReviewedScore, Reviews

Value = TypeVar("Value", float, str)
LOCK_S = 900.0  # 15 minutes


class ReviewService:
    """Score definitions and review queues, checked and stored."""

    def __init__(self, reviews: Reviews, threads: ThreadService) -> None:
        self._reviews = reviews
        self._threads = threads

    # Definitions

    def definitions(self, *, project: str | None = None) -> Page[ScoreDefinition]:
        """Return how scores are given, by name."""
        return Page(items=self._reviews.definitions(self._any(project)), next_cursor=None)

    def put_definition(self, given: NewScoreDefinition) -> ScoreDefinition:
        """Write how scores of a name are given, in place of what was written before.

        Raises:
            InvalidQuery: bounds or categories that do not fit the kind. Conflict: too many.
        """
        check_name("name", given.name)
        project = self._threads.choice.of_writing(given.project)
        check_name("project", project)
        _check_kind(given)
        if given.description is not None:
            check_text("description", given.description, TEXT_LENGTH_MAX, empty=True)
        there = self._reviews.definitions(project)
        if len(there) >= DEFINITIONS_MAX and given.name not in {one.name for one in there}:
            raise Conflict(f"project {project!r} has {DEFINITIONS_MAX} score definitions already")
        return self._reviews.put_definition(given, project)

    def delete_definition(self, name: str, *, project: str | None = None) -> None:
        """Delete how scores of a name are given; the scores stay.

        Raises:
            NotFound: there is none of that name.
        """
        if not self._reviews.delete_definition(self._threads.choice.of_writing(project), name):
            raise NotFound(f"no score definition {name!r}")

    def better_of(self, project: str, name: str) -> Better | None:
        """Return which values of a score are good, None where nobody has said so."""
        for one in self._reviews.definitions(project):
            if one.name == name:
                return one.better
        return None

    def check_scores(self, scores: Sequence[NewScore]) -> None:
        """Return when scores are as their definitions say; those without one are free.

        Raises:
            InvalidQuery: one is not; the message names it and what may be given.
        """
        projects = {self._threads.choice.of_writing(score.project) for score in scores}
        known = {
            (project, one.name): one
            for project in projects
            for one in self._reviews.definitions(project)
        }
        for place, score in enumerate(scores):
            definition = known.get((self._threads.choice.of_writing(score.project), score.name))
            if definition and (fault := fault_of(score, definition)):
                raise InvalidQuery(f"scores[{place}] {score.name!r} {fault}")

    # Queues

    def queues(self, *, project: str | None = None) -> Page[ReviewQueue]:
        """Return queues with how far they are, the newest first."""
        found = self._reviews.queues(project=self._any(project))
        return Page(items=[self._with_progress(one) for one in found], next_cursor=None)

    def queue(self, queue_id: str) -> ReviewQueue:
        """Return one queue.

        Raises:
            NotFound: there is none of that id.
        """
        return self._with_progress(self._stored(queue_id))

    def put_queue(self, given: NewReviewQueue, *, queue_id: str | None = None) -> ReviewQueue:
        """Make a queue, or write one anew; return it.

        Raises:
            InvalidQuery: neither or both of filter and thread_ids, or what of it cannot be.
            NotFound: there is none of that id. Conflict: the project has too many.
        """
        check_name("name", given.name)
        _check_queue(given)
        choice = self._threads.choice
        if given.thread_ids:
            project = choice.of_threads(given.project, given.thread_ids)
        else:
            project = choice.of_writing(given.project)
        if queue_id is None and len(self._reviews.queues(project=project)) >= QUEUES_MAX:
            raise Conflict(f"project {project!r} has {QUEUES_MAX} review queues already")
        made = self._reviews.put_queue(given, project, queue_id=queue_id)
        if made is None:
            raise NotFound(f"no review queue {queue_id!r}")
        return self._with_progress(made)

    def delete_queue(self, queue_id: str) -> None:
        """Delete a queue; the scores of its reviewers stay.

        Raises:
            NotFound: there is none of that id.
        """
        if not self._reviews.delete_queue(queue_id):
            raise NotFound(f"no review queue {queue_id!r}")

    def next(self, queue_id: str, reviewer: str) -> NextReview:
        """Lock the next thread for a reviewer, for 15 minutes; the same until it is done.

        Raises:
            NotFound: there is no such queue. InvalidQuery: the reviewer has no name.
        """
        check_name("reviewer", reviewer)
        queue = self._stored(queue_id)
        threads = self._thread_ids(queue)
        locked = self._reviews.lock(
            queue_id,
            threads,
            reviewer,
            reviewers_per_thread=queue.reviewers_per_thread,
            for_s=LOCK_S,
        )
        states = self._reviews.states(queue_id, reviewer=reviewer)
        done = [one for one in threads if one in states]
        return NextReview(
            queue_id=queue_id,
            project=queue.project,
            thread_id=locked[0] if locked else None,
            locked_until=locked[1] if locked else None,
            own_done_count=sum(states[one].done_by_me for one in done),
            done_count=sum(states[one].done >= queue.reviewers_per_thread for one in done),
            total_count=len(threads),
        )

    def done(self, queue_id: str, thread_id: str, reviewer: str) -> ReviewProgress:
        """Note that a reviewer has done a thread; return how far the queue is.

        Raises:
            NotFound: there is no such queue, or the thread is none of it.
        """
        check_name("reviewer", reviewer)
        queue = self._stored(queue_id)
        if thread_id not in self._thread_ids(queue):
            raise NotFound(f"review queue {queue_id!r} has no thread {thread_id!r}")
        self._reviews.done(queue, thread_id, reviewer)
        found = self._with_progress(queue)
        return ReviewProgress(done_count=found.done_count, total_count=found.total_count)

    def agreement(self, queue_id: str) -> Agreement:
        """Return how far the reviewers of a queue agree, by score.

        Raises:
            NotFound: there is no such queue.
        """
        queue = self._stored(queue_id)
        kinds = {one.name: one.kind for one in self._reviews.definitions(queue.project)}
        given: dict[str, list[ReviewedScore]] = {name: [] for name in queue.score_names}
        for score in self._reviews.reviewed_scores(queue):
            given[score.name].append(score)
        return Agreement(
            queue_id=queue_id,
            items=[_agreement(name, found, kinds.get(name)) for name, found in given.items()],
        )

    def _stored(self, queue_id: str) -> StoredQueue:
        found = self._reviews.queues(queue_id=queue_id)
        if not found:
            raise NotFound(f"no review queue {queue_id!r}")
        return found[0]

    def _thread_ids(self, queue: StoredQueue) -> list[str]:
        """Return the threads of a queue that are here, in the order of the review.

        Those that a reviewer has begun stay in it and come first: the score that a filter asks for
        may be the one that they were given.
        """
        found = self._threads.thread_ids(
            project=queue.project,
            filter=queue.filter,
            thread_ids=queue.thread_ids,
            limit=QUEUE_THREADS_MAX,
        )
        begun = set(self._reviews.begun(queue.queue_id)).difference(found)
        if queue.filter is None or not begun:
            return found
        here = self._threads.thread_ids(
            project=queue.project, thread_ids=sorted(begun), limit=QUEUE_THREADS_MAX
        )
        return here + found

    def _with_progress(self, queue: StoredQueue) -> ReviewQueue:
        threads = self._thread_ids(queue)
        states = self._reviews.states(queue.queue_id)
        done = sum(
            one in states and states[one].done >= queue.reviewers_per_thread for one in threads
        )
        return ReviewQueue(
            **{name: getattr(queue, name) for name in StoredQueue.__slots__},
            done_count=done,
            total_count=len(threads),
        )

    def _any(self, project: str | None) -> str | None:
        return self._threads.choice.of_list(project)


def fault_of(score: NewScore, definition: ScoreDefinition) -> str | None:
    """Return what of a score is not as its definition says, None when all is."""
    if definition.kind == "categorical":
        labels = {one.label: one.value for one in definition.categories or ()}
        if score.category not in labels:
            return f"is none of {', '.join(map(repr, labels))}"
        stands_for = labels[score.category]
        if stands_for is None or score.value in (None, stands_for):
            return None
        return f"is {score.category!r}, which stands for {stands_for:g}, not {score.value:g}"
    if score.value is None:
        return f"has no value, and is {definition.kind}"
    if score.category is not None:
        return f"has the category {score.category!r}, and is {definition.kind}"
    if definition.kind == "boolean":
        return None if score.value in (0, 1) else f"is {score.value:g}, neither 0 nor 1"
    low = -math.inf if definition.min is None else definition.min
    high = math.inf if definition.max is None else definition.max
    if low <= score.value <= high:
        return None
    return f"is {score.value:g}, not between {low:g} and {high:g}"


def _check_kind(given: NewScoreDefinition) -> None:
    _check_categories(given)
    bounds = [bound for bound in (given.min, given.max) if bound is not None]
    if bounds and given.kind != "numeric":
        raise InvalidQuery(f"{given.kind} has no min and max")
    for bound in bounds:
        check_value("min or max", bound)
    if bounds != sorted(bounds):
        raise InvalidQuery(f"min {bounds[0]:g} is above max {bounds[1]:g}")


def _check_categories(given: NewScoreDefinition) -> None:
    labels = [one.label for one in given.categories or ()]
    if (given.kind == "categorical") != bool(labels):
        raise InvalidQuery(
            "a categorical score needs categories" if not labels else f"{given.kind} has none"
        )
    if len(labels) > CATEGORIES_MAX or len(set(labels)) < len(labels):
        raise InvalidQuery(f"categories: at most {CATEGORIES_MAX}, each label once")
    for one in given.categories or ():
        check_name("categories.label", one.label)
        if one.value is not None:
            check_value(f"categories: the value of {one.label!r}", one.value)


def _check_queue(given: NewReviewQueue) -> None:
    if (given.filter is None) == (given.thread_ids is None):
        raise InvalidQuery("give a filter or thread_ids, and not both")
    if given.filter is not None:
        filters.parse(given.filter)
    if given.thread_ids is not None:
        if not 1 <= len(given.thread_ids) <= ITEMS_MAX:
            raise InvalidQuery(
                f"{len(given.thread_ids)} thread_ids; between 1 and {ITEMS_MAX} are taken"
            )
        for one in given.thread_ids:
            check_text("thread_ids", one, ID_LENGTH_MAX)
    if not 1 <= len(given.score_names) <= QUEUE_SCORES_MAX:
        raise InvalidQuery(
            f"{len(given.score_names)} score_names; between 1 and {QUEUE_SCORES_MAX} are taken"
        )
    for one in given.score_names:
        check_name("score_names", one)
    if not 1 <= given.reviewers_per_thread <= REVIEWERS_MAX:
        raise InvalidQuery(
            f"{given.reviewers_per_thread} reviewers_per_thread;"
            f" between 1 and {REVIEWERS_MAX} are taken"
        )
    if given.instructions is not None:
        check_text("instructions", given.instructions, TEXT_LENGTH_MAX, empty=True)


def _agreement(name: str, given: Sequence[ReviewedScore], kind: str | None) -> ScoreAgreement:
    numbers = [one for one in given if one.value is not None]
    is_interval = kind == "numeric" or (kind is None and len(numbers) == len(given) > 0)
    if is_interval:
        values = _by_thread((one.thread_id, one.value) for one in numbers if one.value is not None)
        alpha, share = agreement.interval_alpha(values), agreement.share_agreeing(values)
    else:
        labels = _by_thread((one.thread_id, _label(one)) for one in given)
        alpha, share = agreement.nominal_alpha(labels), agreement.share_agreeing(labels)
    return ScoreAgreement(
        name=name,
        kind="interval" if is_interval else "nominal",
        alpha=alpha,
        agreement=share,
        thread_count=len({one.thread_id for one in given}),
        reviewer_count=len({one.author for one in given}),
    )


def _label(score: ReviewedScore) -> str:
    return score.category if score.category is not None else f"{score.value:g}"


def _by_thread(given: Iterable[tuple[str, Value]]) -> list[list[Value]]:
    found: dict[str, list[Value]] = {}
    for thread_id, value in given:
        found.setdefault(thread_id, []).append(value)
    return list(found.values())
