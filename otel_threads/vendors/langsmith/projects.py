"""Projects by their UUIDs, and LangSmith's calls of sessions: its word for a project."""

from typing import Any

from starlette.responses import Response

from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.core.project import Project
from otel_threads.services.records import RecordService
from otel_threads.services.threads import ThreadService
from otel_threads.vendors.call import Call, Right, Route
from otel_threads.vendors.ids import project_uuid_of, uuid_text
from otel_threads.vendors.langsmith import run_shapes
from otel_threads.vendors.langsmith.bodies import Fields, json_response

NAMES_MAX = 10_000  # that are remembered


class Projects:
    """The projects of a store. Those that an SDK made and that have no runs yet are remembered."""

    def __init__(self, threads: ThreadService, records: RecordService) -> None:
        self._threads = threads
        self._records = records
        self._names: dict[str, str] = {}  # by UUID, of those that were seen or made

    def all(self) -> list[Project]:
        """Return those that have runs, the most recently active first.

        What was just written is among them, if it is derived within a moment.
        """
        self._records.catch_up()
        return self._threads.projects().items

    def name_of(self, uuid: str, *, fresh: bool = True) -> str | None:
        """Return the name of a project by its UUID; None for one that is not known.

        Not `fresh`, it does not wait for what was just written.
        """
        if uuid not in self._names:
            found = self.all() if fresh else self._threads.projects().items
            for one in found[: NAMES_MAX - len(self._names)]:
                self._names[project_uuid_of(one.project)] = one.project
            return next((p.project for p in found if project_uuid_of(p.project) == uuid), None)
        return self._names[uuid]

    def names_of(self, uuids: list[str] | None) -> list[str] | None:
        """Return the names of those that are known; None for no UUIDs."""
        if uuids is None:
            return None
        found = (self.name_of(uuid) for uuid in uuids)
        return [name for name in found if name is not None]

    def needed(self, uuid: str) -> str:
        """Return the name of a project by its UUID.

        Raises:
            NotFound: it is not known.
        """
        found = self.name_of(uuid)
        if found is None:
            raise NotFound(f"no project {uuid}")
        return found

    def make(self, name: str) -> str:
        """Remember a project's name; return its UUID. It is there with its first run."""
        uuid = project_uuid_of(name)
        if len(self._names) < NAMES_MAX:
            self._names[uuid] = name
        return uuid


class SessionCalls:
    """The calls of sessions."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects

    def routes(self) -> tuple[Route, ...]:
        """Return the routes, as `Vendor.routes`."""
        return (
            Route("GET", "/sessions", Right.READ, self._list),
            Route("POST", "/sessions", Right.WRITE, self._make),
            Route("GET", "/sessions/{session_id}", Right.READ, self._get),
            Route("PATCH", "/sessions/{session_id}", Right.WRITE, self._get),
        )

    def _list(self, call: Call) -> Response:
        asked = Fields.of_query(call)
        name, part = asked.text("name"), asked.text("name_contains")
        ids = asked.uuids("id")
        limit = asked.number("limit", otherwise=100, least=1, most=1000)
        offset = asked.number("offset", otherwise=0, least=0, most=10**9)
        if asked.uuid("reference_dataset") or asked.flag("reference_free") is False:
            return json_response([])  # projects of experiments, which are not kept here
        found = [
            one
            for one in self._projects.all()
            if (name is None or one.project == name)
            and (part is None or part.lower() in one.project.lower())
            and (ids is None or project_uuid_of(one.project) in ids)
        ]
        return json_response([run_shapes.session(one) for one in found[offset : offset + limit]])

    def _make(self, call: Call) -> Response:
        asked = Fields.of_body(call)
        if asked.uuid("reference_dataset_id"):
            raise InvalidQuery("experiments are not kept here: a session has no reference dataset")
        name = asked.text("name") or asked.uuid("id") or "default"
        uuid = self._projects.make(name)
        known = next((one for one in self._projects.all() if one.project == name), None)
        return json_response(run_shapes.session(known) if known else _empty(name, uuid))

    def _get(self, call: Call) -> Response:
        uuid = uuid_text(call.params["session_id"])
        if uuid is None:
            raise InvalidQuery("session_id is no UUID")
        for one in self._projects.all():
            if project_uuid_of(one.project) == uuid:
                return json_response(run_shapes.session(one))
        return json_response(_empty(self._projects.needed(uuid), uuid))


def _empty(name: str, uuid: str) -> dict[str, Any]:
    return {
        "id": uuid,
        "tenant_id": run_shapes.TENANT_ID,
        "name": name,
        "start_time": "1970-01-01T00:00:00+00:00",
        "end_time": None,
        "description": None,
        "extra": None,
        "reference_dataset_id": None,
        "run_count": 0,
    }
