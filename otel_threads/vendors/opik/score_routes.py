"""Opik's calls that give and delete feedback scores of threads, traces and spans."""

import math
from collections.abc import Mapping

from starlette.responses import Response

from otel_threads.core.limits import NAME_LENGTH_MAX, TEXT_LENGTH_MAX
from otel_threads.core.score import NewScore, ScoreTarget
from otel_threads.vendors import ids
from otel_threads.vendors.call import Answered, Call, Right, Route
from otel_threads.vendors.opik import errors, requests, shapes
from otel_threads.vendors.opik.door import Door
from otel_threads.vendors.opik.projects import DEFAULT
from otel_threads.vendors.opik.record_fields import Body, Given

VALUE_BOUND = 1e9  # Opik's column holds less
DIGITS = 9  # after the point
_SOURCES: Mapping[str, str] = {"ui": "ui", "sdk": "sdk", "online_scoring": "online"}


def routes(door: Door) -> tuple[Route, ...]:
    """Return the calls; the more special path before the more general one."""
    calls = _ScoreCalls(door)
    base = "/v1/private"
    threads = f"{base}/traces/threads/feedback-scores"
    one = "{id}/feedback-scores"
    return (
        Route("PUT", threads, Right.WRITE, calls.put_thread_scores),
        Route("POST", f"{threads}/delete", Right.WRITE, calls.delete_thread_scores),
        Route("PUT", f"{base}/traces/feedback-scores", Right.WRITE, calls.put_trace_scores),
        Route("PUT", f"{base}/traces/{one}", Right.WRITE, calls.put_trace_score),
        Route("POST", f"{base}/traces/{one}/delete", Right.WRITE, calls.delete_trace_score),
        Route("PUT", f"{base}/spans/feedback-scores", Right.WRITE, calls.put_span_scores),
        Route("PUT", f"{base}/spans/{one}", Right.WRITE, calls.put_span_score),
        Route("POST", f"{base}/spans/{one}/delete", Right.WRITE, calls.delete_span_score),
    )


class _ScoreCalls:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._annotations = door.services.annotations
        self._workspace = door.services.workspace

    def put_thread_scores(self, call: Call) -> Response:
        """Score threads, also such as have no trace yet."""
        items = _items(call)
        self._door.services.contents.wait_fresh()
        scores = [
            _score(item, project=self._project(item), thread_id=requests.thread_id(item))
            for item in items
        ]
        self._annotations.put_scores(scores, source="sdk")
        return requests.no_content()

    def delete_thread_scores(self, call: Call) -> Response:
        """Delete scores of a thread by name."""
        body = requests.body_of(call)
        thread_id = requests.thread_id(body)
        names = requests.ids_of(body, "names")
        author = requests.text_of(body, "author")
        self._annotations.delete_scores(
            [
                ScoreTarget(
                    project=self._project(body), thread_id=thread_id, name=name, author=author
                )
                for name in names
            ]
        )
        return requests.no_content()

    def put_trace_scores(self, call: Call) -> Response:
        """Score traces, also such as are not here yet."""
        items = _items(call)
        scores = [
            _score(
                item,
                project=self._project(item),
                trace_id=ids.trace_id_of(_uuid(requests.needed(item, "id"))),
            )
            for item in items
        ]
        self._annotations.put_scores(scores, source="sdk")
        return requests.no_content()

    def put_trace_score(self, call: Call) -> Response:
        """Score one trace."""
        trace_id = ids.trace_id_of(_uuid(call.params["id"]))
        body = requests.body_of(call)
        score = _score(body, project=self._project(body), trace_id=trace_id)
        self._annotations.put_scores([score], source="sdk")
        return requests.no_content()

    def delete_trace_score(self, call: Call) -> Response:
        """Delete a score of a trace by name."""
        body = requests.body_of(call)
        target = ScoreTarget(
            trace_id=ids.trace_id_of(_uuid(call.params["id"])),
            name=requests.needed(body, "name"),
            author=requests.text_of(body, "author"),
        )
        self._annotations.delete_scores([target])
        return requests.no_content()

    def put_span_scores(self, call: Call) -> Response:
        """Score spans, also such as are not here yet."""
        items = _items(call)
        scores = [
            (_uuid(requests.needed(item, "id")), _score(item, project=self._project(item)))
            for item in items
        ]
        self._workspace.put_span_scores(scores)
        return requests.no_content()

    def put_span_score(self, call: Call) -> Response:
        """Score one span."""
        body = requests.body_of(call)
        score = _score(body, project=self._project(body))
        self._workspace.put_span_scores([(_uuid(call.params["id"]), score)])
        return requests.no_content()

    def delete_span_score(self, call: Call) -> Response:
        """Delete a score of a span by name."""
        body = requests.body_of(call)
        name, author = requests.needed(body, "name"), requests.text_of(body, "author")
        uuid = _uuid(call.params["id"])
        contents = self._door.services.contents
        contents.wait_fresh()
        self._workspace.link()
        location = contents.spans_by_uuid([uuid]).get(uuid)
        if location is not None:
            target = ScoreTarget(
                trace_id=location.trace_id, span_id=location.span_id, name=name, author=author
            )
            self._annotations.delete_scores([target])
        return requests.no_content()

    def _project(self, given: Given) -> str:
        return self._door.projects.named(given) or DEFAULT


def _items(call: Call) -> list[Body]:
    """Return the scores of a body. One without a number (SDKs send NaN) costs no other.

    Raises:
        Answered: as `requests.items_of`.
    """
    items = requests.items_of(requests.body_of(call), "scores")
    return [one for one in items if one.get("value") is not None] or items


def _score(
    given: Body, *, project: str, thread_id: str | None = None, trace_id: str | None = None
) -> NewScore:
    """Return a score of a thread, of a trace or of what the caller names later.

    Raises:
        Answered: a name or a value that cannot be.
    """
    name = requests.needed(given, "name")
    if len(name) > NAME_LENGTH_MAX:
        raise errors.unprocessable(f"name must have {NAME_LENGTH_MAX} characters at most")
    category, reason = requests.text_of(given, "category_name"), requests.text_of(given, "reason")
    return NewScore(
        project=project,
        thread_id=thread_id,
        trace_id=trace_id,
        name=name,
        value=_value(given.get("value")),
        # One long text must not cost the scores that came with it.
        category=category[:NAME_LENGTH_MAX] if category else None,
        reason=reason[:TEXT_LENGTH_MAX] if reason else None,
        source=_SOURCES.get(str(given.get("source") or "sdk"), "sdk"),
        author=requests.text_of(given, "author") or shapes.USER,
    )


def _value(given: object) -> float:
    if isinstance(given, str):  # decimals are texts to some clients
        try:
            given = float(given)
        except ValueError:
            given = None
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise errors.unprocessable("value must be a number")
    if not math.isfinite(given) or abs(given) >= VALUE_BOUND:
        raise errors.unprocessable(
            f"value must be between {-VALUE_BOUND:.0f} and {VALUE_BOUND:.0f}"
        )
    return round(float(given), DIGITS)


def _uuid(given: str) -> str:
    """Return a UUID in lower case.

    Raises:
        Answered: it is none.
    """
    found = ids.uuid_text(given)
    if found is None:
        raise Answered(errors.refusal(400, f"'{given[:60]}' is no UUID"))
    return found
