"""Opik's calls about automation rules: made, listed, changed, deleted; what they did.

A rule is kept as it was given, so that it comes back so; `rule_engine.py` has it run.
"""

import math
from collections.abc import Mapping, Sequence

import orjson
from starlette.responses import Response

from otel_threads.core.document import Document
from otel_threads.core.errors import OtelThreadsError
from otel_threads.vendors import ids
from otel_threads.vendors.call import Answered, Call, Right, Route
from otel_threads.vendors.opik import errors, filters, requests, shapes
from otel_threads.vendors.opik.door import Door
from otel_threads.vendors.opik.record_fields import Body
from otel_threads.vendors.opik.rule_engine import JUDGE, METRIC, RuleEngine, check, not_run
from otel_threads.vendors.opik.thread_routes import threads_of_models

KIND = "opik.rule"
BASE = "/v1/private/automations/evaluators"
TYPES: Mapping[str, Mapping[str, filters.Field]] = {
    JUDGE: filters.THREADS,
    METRIC: filters.THREADS,
}
OTHER_TYPES = (
    *("llm_as_judge", "user_defined_metric_python"),
    *("span_llm_as_judge", "span_user_defined_metric_python"),
)
_GIVEN = ("name", "type", "sampling_rate", "enabled", "filters", "code", "trigger_scope", "action")


def routes(door: Door) -> tuple[Route, ...]:
    """Return the calls; the more special path before the more general one."""
    calls = _RuleCalls(door)
    return (
        Route("POST", BASE, Right.WRITE, calls.make),
        Route("GET", BASE, Right.READ, calls.list),
        Route("POST", f"{BASE}/delete", Right.WRITE, calls.delete),
        Route("GET", f"{BASE}/{{id}}/logs", Right.READ, calls.logs),
        Route("GET", f"{BASE}/{{id}}", Right.READ, calls.get),
        Route("PATCH", f"{BASE}/{{id}}", Right.WRITE, calls.update),
        Route("POST", "/v1/private/manual-evaluation/threads", Right.WRITE, calls.run_on_threads),
    )


class _RuleCalls:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._workspace = door.services.workspace
        self._engine = RuleEngine(door.services)
        self._engine.start()

    def make(self, call: Call) -> Response:
        """Make a rule."""
        rule = self._checked(requests.body_of(call))
        made = self._workspace.add_document(KIND, orjson.dumps(rule).decode())
        try:
            self._engine.put(made, rule, self._projects(rule))
        except OtelThreadsError:
            self._engine.delete(made.id)
            self._workspace.delete_documents(KIND, [made.id])
            raise
        return requests.created(call, f"{BASE}/{made.id}")

    def list(self, call: Call) -> Response:
        """List a page of rules, the newest first."""
        number, size = requests.paging(call.query)
        project = call.query.get("project_id")
        word = (call.query.get("name") or "").lower()
        part = (call.query.get("id") or "").lower()
        found = [
            shown
            for one in self._workspace.documents(KIND)
            if (shown := self._shown(one))
            and (not project or project in shown["project_ids"])
            and word in shown["name"].lower()
            and part in one.id
        ]
        start = (number - 1) * size
        content = found[start : start + size]
        return requests.json_response(
            {
                "page": number,
                "size": len(content),
                "total": len(found),
                "content": content,
                "sortable_by": [],
            }
        )

    def get(self, call: Call) -> Response:
        """Return one rule."""
        return requests.json_response(self._shown(self._one(call)))

    def update(self, call: Call) -> Response:
        """Change a rule; its type stays."""
        document = self._one(call)
        before = orjson.loads(document.body)
        body = requests.body_of(call)
        if body.get("type") not in (None, before["type"]):
            raise errors.unprocessable("the type of a rule may not change")
        given = {name: value for name, value in body.items() if value is not None}
        rule = self._checked({**before, **given})
        self._engine.put(document, rule, self._projects(rule))
        self._workspace.update_document(document, orjson.dumps(rule).decode())
        return requests.no_content()

    def delete(self, call: Call) -> Response:
        """Delete rules; one that is not here is no error."""
        wanted = requests.ids_of(requests.body_of(call))
        for one in wanted:
            self._engine.delete(one)
        self._workspace.delete_documents(KIND, wanted)
        return requests.no_content()

    def run_on_threads(self, call: Call) -> Response:
        """Have rules judge threads now, whatever their sample and filters say of them."""
        body = requests.body_of(call)
        keys = threads_of_models(self._door, requests.ids_of(body, "entity_ids"))
        wanted = {one.lower() for one in requests.ids_of(body, "rule_ids")}
        for document in self._workspace.documents(KIND):
            if document.id in wanted:
                self._engine.run_on(document.id, list(keys.values()))
        count = len(keys)
        return requests.json_response({"entities_queued": count, "rules_applied": len(wanted)}, 202)

    def logs(self, call: Call) -> Response:
        """Return what a rule did, the newest first."""
        document = self._one(call)
        _, size = requests.paging({"size": "1000", **call.query})
        lines = self._engine.log(document, orjson.loads(document.body), min(size, 1000))
        count = len(lines)
        return requests.json_response({"content": lines, "page": 1, "size": count, "total": count})

    def _projects(self, rule: Body) -> Sequence[str]:
        """Return the names of a rule's projects; of an id that is none's there is none."""
        found = (self._door.projects.of_uuid(one) for one in rule["project_ids"])
        return [name for name in found if name]

    def _one(self, call: Call) -> Document:
        wanted = call.params["id"].lower()
        for one in self._workspace.documents(KIND):
            if one.id == wanted:
                return one
        raise Answered(errors.refusal(404, "Rule not found"))

    def _shown(self, one: Document) -> Body:
        rule = orjson.loads(one.body)
        projects = [
            {"project_id": project_id, "project_name": self._door.projects.of_uuid(project_id)}
            for project_id in rule["project_ids"]
        ]
        first = projects[0] if projects else {"project_id": None, "project_name": None}
        return {
            **requests.compact(rule),
            "id": one.id,
            "project_id": first["project_id"],
            "project_name": first["project_name"],
            "projects": projects,
            "created_at": shapes.time_text(one.created_at),
            "created_by": shapes.USER,
            "last_updated_at": shapes.time_text(one.updated_at),
            "last_updated_by": shapes.USER,
        }

    def _checked(self, body: Body) -> Body:
        """Return a rule as it is kept.

        Raises:
            Answered, InvalidQuery: a field that cannot be.
        """
        kind = requests.needed(body, "type")
        fields = TYPES.get(kind)
        if kind in OTHER_TYPES:
            raise errors.unprocessable(not_run(kind))
        if fields is None:
            raise errors.unprocessable(f"type must be one of {', '.join(TYPES)}")
        if not isinstance(body.get("code"), dict):
            raise errors.unprocessable("code must not be null")
        if not isinstance(body.get("enabled", True), bool | None):
            raise errors.unprocessable("enabled must be true or false")
        filters.tree(filters.given_filters(body), fields)
        rule = {name: body[name] for name in _GIVEN if body.get(name) is not None}
        whole = {
            "enabled": True,
            "action": "evaluator",
            **rule,
            "filters": filters.given_filters(rule) or [],
            "name": requests.needed(body, "name"),
            "type": kind,
            "sampling_rate": _rate(body.get("sampling_rate")),
            "project_ids": _project_ids(body),
        }
        check(whole)
        return whole


def _rate(given: object) -> float:
    if given is None:
        return 1.0
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not math.isfinite(given) or not 0 <= given <= 1:  # type: ignore[arg-type,operator]
        raise errors.unprocessable("sampling_rate must be between 0 and 1")
    return float(given)  # type: ignore[arg-type]


def _project_ids(body: Body) -> list[str]:
    given = body.get("project_ids") or ([body["project_id"]] if body.get("project_id") else [])
    if not isinstance(given, list):
        raise errors.unprocessable("project_ids must be a list")
    found = [ids.uuid_text(one) for one in given[:1000]]
    if not found or None in found:
        raise errors.unprocessable("project_ids must be ids of projects")
    return [one for one in found if one]
