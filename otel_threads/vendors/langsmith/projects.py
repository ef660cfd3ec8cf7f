"""Projects by their UUIDs, and LangSmith's calls of sessions: its word for a project."""

from typing import Any

from starlette.responses import Response

from otel_threads.core.errors import Conflict, InvalidQuery, NotFound
from otel_threads.core.project import NewProject, OwnProject, Project
from otel_threads.services.deleting import DeletionService
from otel_threads.services.records import RecordService
from otel_threads.services.threads import ThreadService
from otel_threads.services.workspace import WorkspaceService
from otel_threads.vendors.call import Call, Right, Route
from otel_threads.vendors.ids import project_uuid_of, uuid_text
from otel_threads.vendors.langsmith import run_shapes
from otel_threads.vendors.langsmith.bodies import Fields, json_response

NAMES_MAX = 10_000  # that are remembered
DESCRIPTION_LENGTH_MAX = 10_000


class Projects:
    """The projects of a store: those that have runs, and those that somebody made by name."""

    def __init__(
        self,
        threads: ThreadService,
        records: RecordService,
        workspace: WorkspaceService,
        deletion: DeletionService,
    ) -> None:
        self._threads = threads
        self._records = records
        self._workspace = workspace
        self._deletion = deletion
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
            names = [*(one.project for one in found), *self._workspace.project_names()]
            return next((name for name in names if project_uuid_of(name) == uuid), None)
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

    def made(self) -> dict[str, OwnProject]:
        """Return the projects that somebody made, by name: they may have no runs yet."""
        return {one.project: one for one in self._workspace.projects() if one.created_at}

    def make(self, name: str, description: str | None, *, is_update: bool) -> str:
        """Make a project, or describe it anew; return its UUID.

        Raises:
            Conflict: it is there, and this is no update. InvalidQuery: the name cannot be.
        """
        uuid = project_uuid_of(name)
        try:
            self._workspace.make_project(NewProject(project=name, description=description))
        except Conflict:
            if not is_update:
                raise
            self.describe(name, description)
        if len(self._names) < NAMES_MAX:
            self._names[uuid] = name
        return uuid

    def describe(self, name: str, description: str | None) -> None:
        """Set what a project is described as; None leaves it."""
        if description is not None:
            self._workspace.describe_project(name, description)

    def delete(self, uuid: str) -> None:
        """Delete a project with its runs.

        Raises:
            NotFound: it is not known.
        """
        name = self.needed(uuid)
        self._records.catch_up()
        self._deletion.project(name)
        self._workspace.forget_project(name)
        self._names.pop(uuid, None)


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
            Route("PATCH", "/sessions/{session_id}", Right.WRITE, self._update),
            Route("DELETE", "/sessions/{session_id}", Right.WRITE, self._delete),
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
            for one in self._sessions()
            if (name is None or one["name"] == name)
            and (part is None or part.lower() in one["name"].lower())
            and (ids is None or one["id"] in ids)
        ]
        return json_response(found[offset : offset + limit])

    def _sessions(self) -> list[dict[str, Any]]:
        """Return all projects, the most recently active first, those without runs last."""
        active, made = self._projects.all(), self._projects.made()
        described = {name: one.description for name, one in made.items()}
        names = {one.project for one in active}
        return [
            *(run_shapes.session(one, described.get(one.project)) for one in active),
            *(run_shapes.empty_session(one) for name, one in made.items() if name not in names),
        ]

    def _make(self, call: Call) -> Response:
        asked = Fields.of_body(call)
        if asked.uuid("reference_dataset_id"):
            raise InvalidQuery("experiments are not kept here: a session has no reference dataset")
        name = asked.text("name") or asked.uuid("id") or "default"
        is_update = bool(Fields.of_query(call).flag("upsert"))
        uuid = self._projects.make(name, _description(asked), is_update=is_update)
        return json_response(self._one(uuid))

    def _get(self, call: Call) -> Response:
        return json_response(self._one(_session_id(call)))

    def _one(self, uuid: str) -> dict[str, Any]:
        found = next((one for one in self._sessions() if one["id"] == uuid), None)
        if found is None:
            raise NotFound(f"no project {uuid}")
        return found

    def _update(self, call: Call) -> Response:
        """Describe a project anew; what else LangSmith keeps of a session is not kept here."""
        uuid, asked = _session_id(call), Fields.of_body(call)
        name = self._projects.needed(uuid)
        if asked.text("name") not in (None, name):
            raise InvalidQuery("a project cannot be renamed: its runs name it")
        self._projects.describe(name, _description(asked))
        return json_response(self._one(uuid))

    def _delete(self, call: Call) -> Response:
        self._projects.delete(_session_id(call))
        return json_response({"message": "Session deleted"}, 202)


def _session_id(call: Call) -> str:
    uuid = uuid_text(call.params["session_id"])
    if uuid is None:
        raise InvalidQuery("session_id is no UUID")
    return uuid


def _description(asked: Fields) -> str | None:
    text = asked.text("description")
    if text and len(text) > DESCRIPTION_LENGTH_MAX:
        raise InvalidQuery(f"a description of more than {DESCRIPTION_LENGTH_MAX} characters")
    return text
