"""Services for feedback that has an id of its own: kept whole, and shown as a score.

Each is one score of its target and name, so that several of one name all count: the author of the
score is the id of the feedback.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.core.feedback import FeedbackSelection, NewFeedback, StoredFeedback
from otel_threads.core.limits import ITEMS_MAX
from otel_threads.core.score import NewScore, ScoreTarget
from otel_threads.services.annotations import AnnotationService
from otel_threads.store.annotations.feedback_rows import FeedbackRows

BODY_LENGTH_MAX = 1 << 20  # of one feedback
FEEDBACK_MAX = 10_000  # of some targets, that a page of theirs looks at


class FeedbackService:
    """Feedback, checked, stored and published as scores."""

    def __init__(self, rows: FeedbackRows, annotations: AnnotationService) -> None:
        self._rows = rows
        self._annotations = annotations

    def put(self, feedback: Sequence[tuple[NewFeedback, NewScore | None]]) -> None:
        """Write feedback in place of that of the same id, each with the score that it is, if any.

        A score that cannot be one here (its name too long, say) is kept as feedback alone.

        Raises:
            InvalidQuery: there are too many, or one is too long.
        """
        if len(feedback) > ITEMS_MAX:
            raise InvalidQuery(f"{len(feedback)} feedbacks; at most {ITEMS_MAX} are taken at once")
        for one, _ in feedback:
            if len(one.body) > BODY_LENGTH_MAX:
                raise InvalidQuery(
                    f"feedback {one.feedback_id} has {len(one.body)} characters;"
                    f" at most {BODY_LENGTH_MAX} are kept"
                )
        if not feedback:
            return
        before = {one.feedback_id: one for one in self._known([one for one, _ in feedback])}
        self._rows.put([one for one, _ in feedback])
        for one, score in feedback:
            if one.feedback_id in before:
                self._delete_score(before[one.feedback_id])
            if score is not None:
                with contextlib.suppress(InvalidQuery):
                    self._annotations.put_scores([replace(score, author=one.feedback_id)])

    def _known(self, feedback: Sequence[NewFeedback]) -> list[StoredFeedback]:
        ids = [one.feedback_id for one in feedback]
        return self._rows.page(FeedbackSelection(feedback_ids=ids), limit=len(ids))

    def get(self, feedback_id: str) -> StoredFeedback:
        """Return feedback by its id.

        Raises:
            NotFound: there is none.
        """
        found = self._rows.page(FeedbackSelection(feedback_ids=[feedback_id]), limit=1)
        if not found:
            raise NotFound(f"no feedback {feedback_id!r}")
        return found[0]

    def delete(self, feedback_id: str) -> None:
        """Delete feedback and its score.

        Raises:
            NotFound: there is none of that id.
        """
        found = self.get(feedback_id)
        self._rows.delete(feedback_id)
        self._delete_score(found)

    def _delete_score(self, found: NewFeedback) -> None:
        for span_id in (None, found.span_id) if found.trace_id else (None,):
            target = ScoreTarget(
                project=found.project,
                thread_id=found.thread_id if found.trace_id is None else None,
                trace_id=found.trace_id,
                span_id=span_id,
                name=found.name,
                author=found.feedback_id,
            )
            with contextlib.suppress(InvalidQuery):  # it was no score
                self._annotations.delete_scores([target])

    def page(
        self, selection: FeedbackSelection, *, limit: int, offset: int = 0
    ) -> list[StoredFeedback]:
        """Return feedback, the latest first."""
        return self._rows.page(selection, limit=limit, offset=offset)
