"""Addresses by which whoever holds one gives feedback on a run without a key, until they expire.

A program makes one and puts it behind a button of its page. What may be said by it is fixed: the
run and the key.
"""

import datetime
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from otel_threads.core.document import Document
from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.services.workspace import WorkspaceService
from otel_threads.vendors import times
from otel_threads.vendors.call import Call, Right, Route
from otel_threads.vendors.ids import new_uuid, uuid_text
from otel_threads.vendors.langsmith.bodies import Fields, json_response
from otel_threads.vendors.langsmith.feedback_routes import FeedbackCalls

KIND = "langsmith.feedback_token"
BASE = "/feedback/tokens"
GOOD_FOR = datetime.timedelta(hours=3)
GOOD_FOR_DAYS_MAX = 365
TOKENS_MAX = 100  # of one request
SAID = ("score", "value", "comment", "correction", "metadata")


class FeedbackTokens:
    """The tokens of one server. They are kept in the database, a thousand at a time."""

    def __init__(self, workspace: WorkspaceService, feedback: FeedbackCalls) -> None:
        self._workspace = workspace
        self._feedback = feedback

    def routes(self) -> tuple[Route, ...]:
        """Return the routes, as `Vendor.routes`; they come before those of one feedback."""
        return (
            Route("POST", BASE, Right.WRITE, self._make),
            Route("GET", BASE, Right.READ, self._list),
            Route("GET", f"{BASE}/{{token}}", Right.OPEN, self._give_by_link),
            Route("POST", f"{BASE}/{{token}}", Right.OPEN, self._give),
        )

    def _make(self, call: Call) -> Response:
        body = call.json()
        some = body if isinstance(body, list) else [body]
        if not 1 <= len(some) <= TOKENS_MAX or not all(isinstance(one, dict) for one in some):
            raise InvalidQuery(f"a token is a JSON object, or a list of 1 to {TOKENS_MAX}")
        given = [_checked(one, call.received_unix_nano) for one in some]
        self._drop_expired(call.received_unix_nano)
        for one in given:
            self._workspace.add_document(KIND, orjson.dumps(one).decode())
        made = [_shown(one, call.base_url) for one in given]
        return json_response(made if isinstance(body, list) else made[0])

    def _list(self, call: Call) -> Response:
        asked = Fields.of_query(call)
        run_id = asked.uuid("run_id")
        if run_id is None:
            raise InvalidQuery("run_id is missing")
        limit = asked.number("limit", otherwise=100, least=1, most=1000)
        offset = asked.number("offset", otherwise=0, least=0, most=10**9)
        found = [one for one in map(_told, self._all()) if one["run_id"] == run_id]
        page = found[offset : offset + limit]
        return json_response([_shown(one, call.base_url) for one in page])

    def _give(self, call: Call) -> Response:
        said = call.json()
        if said is not None and not isinstance(said, dict):
            raise InvalidQuery("the body is not a JSON object")
        return self._put(call, said or {})

    def _give_by_link(self, call: Call) -> Response:
        """Take feedback from the query of a link that somebody followed."""
        return self._put(call, {name: _read(text) for name, text in call.query.items()})

    def _put(self, call: Call, said: Mapping[str, Any]) -> Response:
        told = self._one(call)
        body = {name: said[name] for name in SAID if said.get(name) is not None}
        source = {"type": "app", "metadata": body.pop("metadata", {})}
        whole = {"run_id": told["run_id"], "key": told["key"], "feedback_source": source, **body}
        self._feedback.put_text(orjson.dumps(whole).decode())
        return json_response({"message": "Feedback ingested"})

    def _one(self, call: Call) -> Mapping[str, Any]:
        token = uuid_text(call.params["token"])
        for one in map(_told, self._all()):
            if one["id"] == token and one["expires_unix_nano"] > call.received_unix_nano:
                return one
        raise NotFound("no such token, or it has expired")

    def _all(self) -> list[Document]:
        return self._workspace.documents(KIND)

    def _drop_expired(self, now_unix_nano: int) -> None:
        expired = [
            one.id for one in self._all() if _told(one)["expires_unix_nano"] <= now_unix_nano
        ]
        if expired:
            self._workspace.delete_documents(KIND, expired)


def _checked(given: Mapping[str, Any], now_unix_nano: int) -> dict[str, Any]:
    asked = Fields(given, {})
    run_id, key = asked.uuid("run_id"), asked.needed("feedback_key")
    if run_id is None:
        raise InvalidQuery("run_id is missing")
    expires = asked.unix_nano("expires_at") or now_unix_nano + _nanos(given.get("expires_in"))
    latest = now_unix_nano + GOOD_FOR_DAYS_MAX * 86_400 * 10**9
    if not now_unix_nano < expires <= latest:
        raise InvalidQuery(f"a token is good for {GOOD_FOR_DAYS_MAX} days at most")
    token = asked.uuid("id") or new_uuid()
    return {"id": token, "run_id": run_id, "key": key, "expires_unix_nano": expires}


def _nanos(given: object) -> int:
    """Return how long a token is good for, of `{"days", "hours", "minutes"}`."""
    if given is None:
        return int(GOOD_FOR.total_seconds()) * 10**9
    if not isinstance(given, dict):
        raise InvalidQuery("expires_in is no object of days, hours and minutes")
    asked = Fields(given, {})
    seconds = {"days": 86_400, "hours": 3_600, "minutes": 60}
    return 10**9 * sum(
        asked.number(name, otherwise=0, least=0, most=10**6) * factor
        for name, factor in seconds.items()
    )


def _read(text: str) -> Any:
    """Return what a part of a link says: JSON where it is some, else the text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _told(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(document.body)
    return found


def _shown(told: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    return {
        "id": told["id"],
        "url": f"{base_url}{BASE}/{told['id']}",
        "expires_at": times.iso(told["expires_unix_nano"]),
    }
