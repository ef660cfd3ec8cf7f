"""Opik's calls about environments: names with a colour that traces may carry.

A trace may name any environment, whether one of that name was made or not.
"""

from collections.abc import Mapping

import orjson
from starlette.responses import Response

from otel_threads.core.document import Document
from otel_threads.vendors import ids
from otel_threads.vendors.call import Answered, Call, Right, Route
from otel_threads.vendors.opik import errors, requests, shapes
from otel_threads.vendors.opik.door import Door
from otel_threads.vendors.opik.record_fields import Body

KIND = "opik.environment"
BASE = "/v1/private/environments"
ENVIRONMENTS_MAX = 20  # of a workspace, as Opik has it
LENGTHS: Mapping[str, int] = {"name": 150, "description": 500, "color": 20}
POSITION_MAX = 1 << 31


def routes(door: Door) -> tuple[Route, ...]:
    """Return the calls; the more special path before the more general one."""
    calls = _EnvironmentCalls(door)
    return (
        Route("GET", BASE, Right.READ, calls.environments),
        Route("POST", BASE, Right.WRITE, calls.make),
        Route("POST", f"{BASE}/delete", Right.WRITE, calls.delete),
        Route("GET", f"{BASE}/{{id}}", Right.READ, calls.get),
        Route("PATCH", f"{BASE}/{{id}}", Right.WRITE, calls.update),
    )


class _EnvironmentCalls:
    def __init__(self, door: Door) -> None:
        self._workspace = door.services.workspace

    def environments(self, _: Call) -> Response:
        """List all environments by position and name."""
        found = sorted(self._all().values(), key=lambda one: (one["position"], one["name"]))
        return requests.page(1, found, len(found), ())

    def get(self, call: Call) -> Response:
        """Return one environment."""
        return requests.json_response(requests.compact(_shown(self._one(call))))

    def make(self, call: Call) -> Response:
        """Make an environment; its caller may bring the id."""
        given = _given(requests.body_of(call))
        if "name" not in given:
            raise errors.unprocessable("name must not be blank")
        known = self._all()
        environment_id = _id_of(requests.body_of(call)) or ids.new_uuid()
        self._check_name(given["name"], environment_id, known)
        if environment_id in known:
            raise Answered(errors.listed(409, ["Environment already exists"]))
        if len(known) >= ENVIRONMENTS_MAX:
            raise errors.unprocessable(f"there are {ENVIRONMENTS_MAX} environments already")
        body = orjson.dumps({"position": len(known), **given, "id": environment_id}).decode()
        self._workspace.add_document(KIND, body)
        return requests.created(call, f"{BASE}/{environment_id}")

    def update(self, call: Call) -> Response:
        """Change an environment; what is left out stays."""
        document = self._one(call)
        given = _given(requests.body_of(call))
        whole = orjson.loads(document.body) | given
        self._check_name(whole["name"], whole["id"], self._all())
        self._workspace.update_document(document, orjson.dumps(whole).decode())
        return requests.no_content()

    def delete(self, call: Call) -> Response:
        """Delete environments; traces keep the names. One that is not here is no error."""
        given = {ids.uuid_text(one) for one in requests.ids_of(requests.body_of(call))}
        doomed = [one.id for one in self._documents() if _shown(one)["id"] in given]
        self._workspace.delete_documents(KIND, doomed)
        return requests.no_content()

    def _documents(self) -> list[Document]:
        return self._workspace.documents(KIND)

    def _all(self) -> dict[str, Body]:
        return {shown["id"]: shown for shown in map(_shown, self._documents())}

    def _one(self, call: Call) -> Document:
        wanted = ids.uuid_text(call.params["id"])
        found = (one for one in self._documents() if _shown(one)["id"] == wanted)
        one = next(found, None)
        if one is None:
            raise Answered(errors.refusal(404, "Environment not found"))
        return one

    @staticmethod
    def _check_name(name: str, own_id: str, known: Mapping[str, Body]) -> None:
        if any(one["name"] == name and one["id"] != own_id for one in known.values()):
            raise Answered(errors.listed(409, ["Environment already exists"]))


def _id_of(body: Body) -> str | None:
    text = requests.text_of(body, "id")
    found = ids.uuid_text(text) if text else None
    if text and found is None:
        raise Answered(errors.refusal(400, f"id '{text[:60]}' is no UUID"))
    return found


def _given(body: Body) -> Body:
    """Return the fields that a body has, checked."""
    found: Body = {}
    for name, length in LENGTHS.items():
        text = requests.text_of(body, name)
        if text is not None and (len(text) > length or not text.strip() or not text.isprintable()):
            raise errors.unprocessable(f"{name} must have 1 to {length} printable characters")
        if text is not None:
            found[name] = text
    position = body.get("position")
    if position is not None:
        is_whole = isinstance(position, int) and not isinstance(position, bool)
        if not is_whole or not 0 <= position < POSITION_MAX:
            raise errors.unprocessable("position must be a whole number of 0 or more")
        found["position"] = position
    return found


def _shown(document: Document) -> Body:
    return {
        **orjson.loads(document.body),
        "created_at": shapes.time_text(document.created_at),
        "created_by": shapes.USER,
        "last_updated_at": shapes.time_text(document.updated_at),
        "last_updated_by": shapes.USER,
    }
