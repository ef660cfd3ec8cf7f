"""Calls of feedback: create, read, list, change, delete; on runs and on threads."""

import time
from collections.abc import Sequence
from typing import Any

import orjson
from starlette.responses import Response

from otel_threads.core.errors import InvalidPayload, InvalidQuery, NotFound
from otel_threads.core.feedback import FeedbackSelection
from otel_threads.services.feedback import FeedbackService
from otel_threads.vendors.call import Call, Right, Route
from otel_threads.vendors.ids import uuid_text
from otel_threads.vendors.langsmith import feedback
from otel_threads.vendors.langsmith.bodies import Fields, json_response
from otel_threads.vendors.langsmith.feedback import Place
from otel_threads.vendors.langsmith.projects import Projects
from otel_threads.vendors.langsmith.records import DEFAULT_PROJECT
from otel_threads.vendors.langsmith.run_query import RunReader, span_ids_of
from otel_threads.vendors.langsmith.runs import Run

LINK_EVERY_S = 1.0
UNPLACED_MAX = 1000  # that are looked for at once, the latest
UNMATCHED = (
    "no run of this id is here (yet). The feedback is kept, and shown with the run once it comes."
    " In OpenTelemetry mode the SDK sends spans whose ids are not the run's: give feedback on the"
    " ids that runs/query returns."
)


class FeedbackCalls:
    """The calls of feedback."""

    def __init__(self, said: FeedbackService, projects: Projects, runs: RunReader) -> None:
        self._said = said
        self._projects = projects
        self._runs = runs
        self._looked_at = 0.0  # when feedback without its run was looked for; time.monotonic()

    def routes(self) -> tuple[Route, ...]:
        """Return the routes, as `Vendor.routes`."""
        return (
            Route("POST", "/feedback", Right.WRITE, self._create),
            Route("GET", "/feedback", Right.READ, self._list),
            Route("GET", "/feedback/{feedback_id}", Right.READ, self._get),
            Route("PATCH", "/feedback/{feedback_id}", Right.WRITE, self._change),
            Route("DELETE", "/feedback/{feedback_id}", Right.WRITE, self._delete),
        )

    def put_all(self, texts: Sequence[str]) -> list[str]:
        """Write feedback that travels with runs; return what was left out, and why."""
        faults = []
        for text in texts:
            try:
                self._put(feedback.checked(text), look=False)
            except (InvalidPayload, InvalidQuery) as error:
                faults.append(f"feedback: {error}")
        return faults

    def put_text(self, text: str) -> None:
        """Write one feedback, given as JSON.

        Raises:
            InvalidPayload, InvalidQuery: it cannot be.
        """
        self._put(feedback.checked(text), look=True)

    def link(self) -> None:
        """Give feedback that came before its run to the run, where that is here now.

        Once in LINK_EVERY_S at most.
        """
        now = time.monotonic()
        if now - self._looked_at < LINK_EVERY_S:
            return
        self._looked_at = now
        waiting = self._said.page(FeedbackSelection(is_unplaced=True), limit=UNPLACED_MAX)
        if not waiting:
            return
        bodies = {one.feedback_id: feedback.parsed(one).body for one in waiting}
        wanted = {uuid_text(body.get("run_id")) or "" for body in bodies.values()}
        runs = {run.id: run for run in self._runs.found(sorted(wanted))}
        for body in bodies.values():
            run = runs.get(uuid_text(body.get("run_id")) or "")
            if run is not None:
                self._said.put([feedback.kept(body, _place_of(run))])

    def _put(self, body: dict[str, Any], *, look: bool) -> Place:
        place = self._place(body, look=look)
        self._said.put([feedback.kept(body, place)])
        return place

    def _place(self, body: dict[str, Any], *, look: bool) -> Place:
        """Return what feedback is about: as it tells itself, else as its run tells."""
        session = uuid_text(body.get("session_id"))
        named = self._projects.name_of(session) if session else None
        told = feedback.place_told(body, named or DEFAULT_PROJECT)
        if told is not None and (named or not look or told.span_id is None):
            return told
        run_id = uuid_text(body.get("run_id")) or ""
        run = self._runs.one(run_id, ()) if look else None
        if run is not None:
            return _place_of(run)
        return told or Place(named or DEFAULT_PROJECT, None, span_ids_of([run_id])[0])

    def _create(self, call: Call) -> Response:
        body = feedback.checked(call.text)
        place = self._put(body, look=True)
        return self._shown(body["id"], is_matched=place.span_id is None or bool(place.trace_id))

    def _shown(self, feedback_id: str, *, is_matched: bool = True) -> Response:
        made = feedback.parsed(self._said.get(feedback_id)).shown()
        return json_response(made if is_matched else {**made, "warning": UNMATCHED})

    def _get(self, call: Call) -> Response:
        return self._shown(_id(call))

    def _change(self, call: Call) -> Response:
        feedback_id = _id(call)
        stored = feedback.parsed(self._said.get(feedback_id))
        change = call.json()
        if not isinstance(change, dict):
            raise InvalidPayload("the body is not a JSON object")
        told = {name: change[name] for name in feedback.CHANGED if name in change}
        body = {**stored.body, **{name: one for name, one in told.items() if one is not None}}
        self._put(feedback.checked(orjson.dumps(body).decode(), feedback_id), look=True)
        return self._shown(feedback_id)

    def _delete(self, call: Call) -> Response:
        self._said.delete(_id(call))
        return Response(status_code=204)

    def _list(self, call: Call) -> Response:
        asked = Fields.of_query(call)
        runs, threads = asked.uuids("run"), asked.texts("feedback_thread_id")
        selection = FeedbackSelection(
            projects=self._projects.names_of(asked.uuids("session")),
            thread_ids=threads,
            span_ids=None if runs is None else span_ids_of(runs),
            names=asked.texts("key"),
            sources=asked.texts("source"),
            has_comment=asked.flag("has_comment"),
            has_score=asked.flag("has_score"),
        )
        limit = asked.number("limit", otherwise=100, least=1, most=1000)
        offset = asked.number("offset", otherwise=0, least=0, most=10**9)
        found = self._said.page(selection, limit=limit, offset=offset)
        return json_response([feedback.parsed(one).shown() for one in found])


def _place_of(run: Run) -> Place:
    return Place(run.project, run.span.trace_id, run.span.span_id, is_root=run.is_root)


def _id(call: Call) -> str:
    found = uuid_text(call.params["feedback_id"])
    if found is None:
        raise NotFound(f"no feedback {call.params['feedback_id'][:60]!r}")
    return found
