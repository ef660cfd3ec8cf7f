"""Opik's calls that write traces and spans. All of a body is checked before any of it is stored."""

from collections.abc import Callable, Sequence

from starlette.responses import Response

from otel_threads.core.ports import Intake
from otel_threads.core.record import Entity, Record
from otel_threads.services.services import Services
from otel_threads.vendors import ids
from otel_threads.vendors.call import Call, Right, Route, Written
from otel_threads.vendors.opik import records
from otel_threads.vendors.opik.errors import listed, unprocessable

BASE = "/v1/private"


class Writes:
    """The handlers of one server."""

    def __init__(self, services: Services, intake: Intake) -> None:
        self._services = services
        self._intake = intake

    def routes(self) -> tuple[Route, ...]:
        """Return the routes, static paths before those with an id."""
        return (*self._of("trace"), *self._of("span"), *self._deletions())

    def _of(self, entity: Entity) -> tuple[Route, ...]:
        path = f"{BASE}/{entity}s"
        return (
            Route("POST", f"{path}/batch", Right.INGEST, self._create_many(entity)),
            Route("POST", path, Right.INGEST, self._create(entity)),
            Route("PATCH", f"{path}/batch", Right.INGEST, self._change_many(entity)),
            Route("PATCH", f"{path}/{{id}}", Right.INGEST, self._change(entity)),
        )

    def _deletions(self) -> tuple[Route, ...]:
        return (
            Route("POST", f"{BASE}/traces/delete", Right.WRITE, self._delete_traces),
            Route("DELETE", f"{BASE}/traces/{{id}}", Right.WRITE, self._delete_trace),
            Route("DELETE", f"{BASE}/spans/{{id}}", Right.WRITE, self._delete_span),
        )

    def _create_many(self, entity: Entity) -> Callable[[Call], Written]:
        def handler(call: Call) -> Written:
            return self._store(call, records.batch(call.text, entity), _no_content())

        return handler

    def _create(self, entity: Entity) -> Callable[[Call], Response | Written]:
        def handler(call: Call) -> Response | Written:
            record = records.put(call.text, entity)
            if self._services.records.is_created(record):
                return listed(409, [f"{entity.capitalize()} already exists"])
            created = Response(
                status_code=201,
                headers={"location": f"{call.base_url}{BASE}/{entity}s/{record.record_id}"},
            )
            return self._store(call, [record], created)

        return handler

    def _change(self, entity: Entity) -> Callable[[Call], Written]:
        def handler(call: Call) -> Written:
            record_id = records.checked_id(call.params["id"], "id")
            record = records.patch(call.text, entity, record_id)
            return self._store(call, [record], _no_content())

        return handler

    def _change_many(self, entity: Entity) -> Callable[[Call], Written]:
        def handler(call: Call) -> Written:
            changes = records.patches(call.text, entity)
            known = self._services.records.known(changes)
            some = [one for one in changes if one.record_id in known]
            return self._store(call, some, _no_content())

        return handler

    def _delete_trace(self, call: Call) -> Response:
        self._delete([records.checked_id(call.params["id"], "id")])
        return _no_content()

    def _delete_traces(self, call: Call) -> Response:
        body = call.json()
        given = body.get("ids") if isinstance(body, dict) else None
        if not isinstance(given, list) or not 1 <= len(given) <= records.ITEMS_MAX:
            raise unprocessable(f"ids size must be between 1 and {records.ITEMS_MAX}")
        self._delete([records.checked_id(one, "ids") for one in given])
        return _no_content()

    def _delete(self, trace_uuids: Sequence[str]) -> None:
        self._services.deletion.traces([ids.trace_id_of(one) for one in trace_uuids])

    def _delete_span(self, call: Call) -> Written:
        record_id = records.checked_id(call.params["id"], "id")
        return self._store(call, [records.deletion("span", record_id)], _no_content())

    def _store(self, call: Call, some: Sequence[Record], response: Response) -> Written:
        future = self._intake.submit_records(
            some, size_bytes=len(call.body), received_unix_nano=call.received_unix_nano
        )
        return Written(future, response)


def _no_content() -> Response:
    return Response(status_code=204)
