"""Opik's calls about projects, the workspace, who asks, and the link that the SDK prints."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import orjson
from starlette.responses import RedirectResponse, Response

from otel_threads.core.errors import Conflict, InvalidQuery
from otel_threads.core.project import NewProject, OwnProject, Project
from otel_threads.vendors import ids
from otel_threads.vendors.call import Answered, Call, Right, Route
from otel_threads.vendors.opik import errors, requests, shapes
from otel_threads.vendors.opik.door import Door
from otel_threads.vendors.opik.record_fields import Body

WORKSPACE = "default"
DESCRIPTION_LENGTH_MAX = 10_000
COOLDOWN = "timeout_to_mark_thread_as_inactive"
# ISO-8601 durations to the second; a year has no fixed number of them.
_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
_SECONDS: Mapping[str, float] = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def routes(door: Door) -> tuple[Route, ...]:
    """Return the calls; the more special path before the more general one."""
    calls = _WorkspaceCalls(door)
    base = "/v1/private"
    configuration = f"{base}/workspaces/configurations"
    return (
        Route("GET", f"{base}/projects", Right.READ, calls.projects),
        Route("POST", f"{base}/projects", Right.WRITE, calls.make_project),
        Route("POST", f"{base}/projects/retrieve", Right.READ, calls.retrieve_project),
        Route("GET", f"{base}/projects/stats", Right.READ, calls.project_stats),
        Route("GET", f"{base}/projects/{{id}}", Right.READ, calls.project),
        Route("PATCH", f"{base}/projects/{{id}}", Right.WRITE, calls.update_project),
        Route("DELETE", f"{base}/projects/{{id}}", Right.WRITE, calls.delete_project),
        Route("POST", f"{base}/projects/delete", Right.WRITE, calls.delete_projects),
        Route("GET", configuration, Right.READ, calls.configuration),
        Route("PUT", configuration, Right.WRITE, calls.put_configuration),
        Route("DELETE", configuration, Right.WRITE, calls.delete_configuration),
        Route("POST", f"{base}/auth", Right.READ, _authenticated),
        Route("GET", f"{base}/auth/workspace", Right.READ, _workspace),
        Route("GET", f"{base}/toggles", Right.READ, _toggles),
        Route("GET", "/v1/session/redirect/projects", Right.OPEN, calls.redirect),
    )


def _authenticated(_: Call) -> Response:
    return requests.no_content()


def _workspace(call: Call) -> Response:
    named = call.headers.get("comet-workspace") or WORKSPACE
    return requests.json_response({"workspace_name": named})


def _toggles(_: Call) -> Response:
    return requests.json_response({})


class _WorkspaceCalls:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._workspace = door.services.workspace

    def projects(self, call: Call) -> Response:
        """List a page of projects, the latest active first."""
        number, size = requests.paging(call.query)
        word = (call.query.get("name") or "").lower()
        self._door.services.contents.wait_fresh()
        found = [one for one in self._all() if word in one["name"].lower()]
        start = (number - 1) * size
        return requests.page(number, found[start : start + size], len(found), ())

    def _all(self) -> list[Body]:
        active = {one.project: one for one in self._door.services.threads.projects().items}
        shown = [_project(one, active.get(one.project)) for one in self._workspace.projects()]
        return sorted(shown, key=lambda one: one["last_updated_at"] or "", reverse=True)

    def make_project(self, call: Call) -> Response:
        """Make a project by name."""
        body = requests.body_of(call)
        name = requests.needed(body, "name").strip()
        description = _description(body)
        try:
            self._workspace.make_project(NewProject(project=name, description=description))
        except Conflict:
            raise Answered(errors.listed(409, ["Project already exists"])) from None
        return requests.created(call, f"/v1/private/projects/{ids.project_uuid_of(name)}")

    def retrieve_project(self, call: Call) -> Response:
        """Return the project of a name."""
        name = requests.needed(requests.body_of(call), "name")
        self._door.services.contents.wait_fresh()
        return self._one(self._door.projects.of_name(name), name)

    def project(self, call: Call) -> Response:
        """Return the project of an id."""
        given = call.params["id"]
        self._door.services.contents.wait_fresh()
        return self._one(self._door.projects.of_uuid(given), given)

    def _one(self, name: str | None, given: str) -> Response:
        found = next((one for one in self._all() if one["name"] == name), None)
        if found is None:
            raise Answered(errors.refusal(404, f"Project not found: {given[:200]}"))
        return requests.json_response(requests.compact(found))

    def update_project(self, call: Call) -> Response:
        """Describe a project anew. Its name is what its traces name: it stays."""
        name = self._door.projects.of_uuid(call.params["id"])
        if name is None:
            raise Answered(errors.refusal(404, "Project not found"))
        body = requests.body_of(call)
        if requests.text_of(body, "name") not in (None, name):
            raise errors.unprocessable("a project cannot be renamed: its traces name it")
        if description := _description(body):
            self._workspace.describe_project(name, description)
        return requests.no_content()

    def delete_project(self, call: Call) -> Response:
        """Delete a project with its traces; one that is not here is no error."""
        return self._delete([call.params["id"]])

    def delete_projects(self, call: Call) -> Response:
        """Delete several."""
        return self._delete(requests.ids_of(requests.body_of(call)))

    def _delete(self, project_ids: Sequence[str]) -> Response:
        self._door.services.contents.wait_fresh()
        for one in project_ids:
            name = self._door.projects.of_uuid(one)
            if name is not None:
                self._door.services.deletion.project(name)
                self._workspace.forget_project(name)
        return requests.no_content()

    def project_stats(self, call: Call) -> Response:
        """List projects with how many traces and threads they have."""
        number, size = requests.paging(call.query)
        active = self._door.services.threads.projects().items
        content: list[Body] = [
            {
                "project_id": ids.project_uuid_of(one.project),
                "trace_count": one.trace_count,
                "thread_count": one.thread_count,
            }
            for one in active
        ]
        start = (number - 1) * size
        return requests.page(number, content[start : start + size], len(content), ())

    def configuration(self, _: Call) -> Response:
        """Return the workspace's settings."""
        found = self._workspace.configuration()
        if found is None:
            raise Answered(errors.refusal(404, "Workspace configuration not found"))
        return Response(found, media_type="application/json")

    def put_configuration(self, call: Call) -> Response:
        """Set the workspace's settings; the cooldown holds at once."""
        body = requests.body_of(call)
        cooldown = requests.text_of(body, COOLDOWN)
        text = orjson.dumps({k: v for k, v in body.items() if v is not None}).decode()
        self._workspace.put_configuration(
            text, thread_cooldown_s=seconds_of(cooldown) if cooldown else None
        )
        return Response(text, media_type="application/json")

    def delete_configuration(self, _: Call) -> Response:
        """Unset the workspace's settings."""
        self._workspace.delete_configuration()
        return requests.no_content()

    def redirect(self, call: Call) -> Response:
        """Send a browser to our page of a trace, or to the start."""
        trace_uuid = ids.uuid_text(call.query.get("trace_id"))
        # Without a host: whatever the request says of itself, nobody is sent elsewhere.
        if trace_uuid is None:
            return RedirectResponse("/", 302)
        return RedirectResponse(self._trace_page(ids.trace_id_of(trace_uuid)), 302)

    def _trace_page(self, trace_id: str) -> str:
        found = self._door.services.contents.trace(trace_id)
        query = {"project": found.trace.project} if found else {}
        return trace_page(trace_id, query)


def _description(body: Body) -> str | None:
    description = requests.text_of(body, "description")
    if description and len(description) > DESCRIPTION_LENGTH_MAX:
        raise errors.unprocessable(f"description of more than {DESCRIPTION_LENGTH_MAX} characters")
    return description


def trace_page(trace_id: str, query: Mapping[str, str]) -> str:
    """Return the path of our page of a trace."""
    return f"/#/trace?{urlencode({'trace_id': trace_id, **query})}"


def _project(one: OwnProject, active: Project | None) -> Body:
    latest = active.last_activity_time if active else None
    return {
        "id": ids.project_uuid_of(one.project),
        "name": one.project,
        "visibility": "private",
        "description": one.description,
        "created_at": shapes.time_text(one.created_at or latest),
        "created_by": shapes.USER,
        "last_updated_at": shapes.time_text(latest or one.updated_at),
        "last_updated_by": shapes.USER,
        "last_updated_trace_at": shapes.time_text(latest),
    }


def seconds_of(duration: str) -> float:
    """Return the seconds of an ISO-8601 duration such as PT30M.

    Raises:
        InvalidQuery: it is none, or of no time.
    """
    match = _DURATION.fullmatch(duration.strip().upper())
    parts = {name: text for name, text in (match.groupdict() if match else {}).items() if text}
    seconds = sum(float(text[:15]) * _SECONDS[name] for name, text in parts.items())
    if seconds <= 0:
        raise InvalidQuery(f"{COOLDOWN} {duration[:40]!r} is no duration such as PT30M")
    return seconds
