"""Calls that send runs: answered once all that they hold is committed."""

import functools

from starlette.responses import Response

from otel_threads.core.ports import Intake
from otel_threads.vendors.call import Call, Right, Route, Written
from otel_threads.vendors.langsmith import multipart, records
from otel_threads.vendors.langsmith.attachments import Attachments
from otel_threads.vendors.langsmith.bodies import json_response
from otel_threads.vendors.langsmith.feedback_routes import FeedbackCalls
from otel_threads.vendors.langsmith.projects import Projects
from otel_threads.vendors.langsmith.records import Known, Sent
from otel_threads.vendors.langsmith.run_query import RunReader


class IngestCalls:
    """The calls that send runs."""

    def __init__(
        self,
        intake: Intake,
        projects: Projects,
        runs: RunReader,
        feedback: FeedbackCalls,
        files: Attachments,
        *,
        values_max: int,
    ) -> None:
        self._intake = intake
        self._feedback = feedback
        self._files = files
        self._values_max = values_max
        self._known = Known(
            project_of=functools.partial(projects.name_of, fresh=False), trace_of=runs.trace_of
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the routes, as `Vendor.routes`."""
        return (
            Route("POST", "/runs/multipart", Right.INGEST, self._multipart),
            Route("POST", "/runs/batch", Right.INGEST, self._batch),
            Route("POST", "/runs", Right.INGEST, self._post),
            Route("PATCH", "/runs/{run_id}", Right.INGEST, self._patch),
        )

    def _multipart(self, call: Call) -> Response | Written:
        boundary = multipart.boundary_of(call.headers.get("content-type", ""))
        parts = multipart.parts(call.body, boundary)
        sent = records.of_multipart(parts, self._known, values_max=self._values_max)
        return self._written(sent, call)

    def _batch(self, call: Call) -> Response | Written:
        return self._written(records.of_batch(call.text, self._known), call)

    def _post(self, call: Call) -> Response | Written:
        return self._written(records.of_run(call.text, "put", None, self._known), call)

    def _patch(self, call: Call) -> Response | Written:
        run_id = call.params["run_id"]
        return self._written(records.of_run(call.text, "patch", run_id, self._known), call)

    def _written(self, sent: Sent, call: Call) -> Response | Written:
        self._feedback.link()
        sent.faults += self._feedback.put_all(sent.feedback)
        if sent.attachments:
            self._files.keep(sent)
        response = json_response(_message(sent), 202)
        if not sent.records:
            return response
        return Written(
            self._intake.submit_records(
                sent.records,
                received_unix_nano=call.received_unix_nano,
                size_bytes=len(call.body),
            ),
            response,
        )


def _message(sent: Sent) -> dict[str, object]:
    """Return the body of a response: SDKs read none, people see what was left out."""
    if not sent.faults:
        return {"message": "Runs batch ingested"}
    return {"message": "Runs batch ingested in part", "left_out": sent.faults}
