"""Opik's rules of threads as rules of ours: one a project, run by our engine.

Some ask a model, some are Python metrics. Our engine judges whole conversations: rules of traces
and of spans are refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import orjson

from otel_threads.core.document import Document
from otel_threads.core.filters import AllOf, Comparison, quoted
from otel_threads.core.message import Json
from otel_threads.core.ports import ThreadKey
from otel_threads.core.rule import (
    NewRule,
    OutputKind,
    PromptMessage,
    Rule,
    RuleChanges,
    RuleOutput,
)
from otel_threads.services.services import Services
from otel_threads.vendors.opik import errors, requests, shapes
from otel_threads.vendors.opik.metric_code import code_of
from otel_threads.vendors.opik.record_fields import Body

JUDGE, METRIC = "trace_thread_llm_as_judge", "trace_thread_user_defined_metric_python"
RUN = (JUDGE, METRIC)
NAME_LENGTH_MAX = 100
# Of our rule, what a change of theirs may change.
CHANGED = (
    *("name", "is_enabled", "filter", "sampling_rate"),
    *("model", "temperature", "prompt_messages", "outputs", "code"),
)
TRACES_MAX = 1000  # of a thread that a judge sees
NOT_RUN = "this server does not run rules of type {0}: it runs {1}, on whole conversations"
_KINDS: Mapping[str, OutputKind] = {"BOOLEAN": "boolean"}
_TEXTS = {"id": "thread_id", "thread_id": "thread_id", "tags": "tags", "status": "status"}
_TIMES = {
    "start_time": "first_activity_time",
    "end_time": "last_activity_time",
    "created_at": "created_at",
    "last_updated_at": "updated_at",
}
_EMPTY = {"is_empty": "is_null", "is_not_empty": "is_not_null"}


class RuleEngine:
    """Keeps our rules in step with Opik's."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def start(self) -> None:
        """Let judges see a thread as Opik's do: input and output of each trace, as sent."""
        self._services.rules.add_context("traces", self._context)

    def put(self, document: Document, rule: Body, projects: Sequence[str]) -> None:
        """Make or change the rules of ours that run a rule of Opik's, in these projects.

        Raises:
            InvalidQuery: a prompt or an output that our engine cannot take.
        """
        there = {one.project: one for one in self._ours(document.id)}
        wanted = list(projects) if rule["type"] in RUN else []
        for project in wanted:
            given = _new_rule(document.id, rule, project)
            if project in there:
                changes = cast(RuleChanges, {name: getattr(given, name) for name in CHANGED})
                self._services.rules.update(there[project].rule_id, changes)
            else:
                self._services.rules.put(given)
        for project, one in there.items():
            if project not in wanted:
                self._services.rules.delete(one.rule_id)

    def delete(self, document_id: str) -> None:
        """Delete the rules of ours that run a rule of Opik's."""
        for one in self._ours(document_id):
            self._services.rules.delete(one.rule_id)

    def run_on(self, document_id: str, keys: Sequence[ThreadKey]) -> None:
        """Have a rule judge threads of its projects, whatever its sample and filter say of them."""
        for one in self._ours(document_id):
            mine = [key for key in keys if key[0] == one.project]
            if mine:
                self._services.rules.run_on(one.rule_id, mine)

    def log(self, document: Document, rule: Body, limit: int) -> list[Body]:
        """Return what a rule did, the newest first; why it does nothing, where it does not."""
        if rule["type"] not in RUN:
            message = not_run(rule["type"])
            return [_line(document, shapes.time_text(document.updated_at), "WARN", message, {})]
        found: list[Body] = []
        for one in self._ours(document.id):
            if one.problem:
                at = shapes.time_text(document.updated_at)
                found.append(_line(document, at, "WARN", one.problem, {}))
            for entry in self._services.rules.log(one.rule_id, limit=limit).items:
                at = shapes.time_text(entry.logged_at)
                markers = {"thread_id": entry.thread_id} if entry.thread_id else {}
                found.append(_line(document, at, entry.level, entry.message, markers))
        return sorted(found, key=lambda line: line["timestamp"], reverse=True)[:limit]

    def _ours(self, document_id: str) -> list[Rule]:
        rules = self._services.rules.rules(project="*").items
        return [one for one in rules if one.name.endswith(_suffix(document_id))]

    def _context(self, project: str, thread_id: str) -> list[Json]:
        where = AllOf((Comparison("thread_id", None, "text", "=", (thread_id,)),))
        traces = self._services.contents.traces(project=project, where=where, limit=TRACES_MAX)
        found: list[Json] = []
        for one in sorted(traces, key=lambda content: content.trace.trace_id):
            sides = shapes.sides(one)
            found += [
                {"role": "user", "content": _parsed(sides["input"])},
                {"role": "assistant", "content": _parsed(sides["output"])},
            ]
        return found


def _parsed(text: str | None) -> object:
    return None if text is None else orjson.loads(text)


def _suffix(document_id: str) -> str:
    return f" [{document_id}]"


def _line(
    document: Document, at: str | None, level: str, message: str, markers: Mapping[str, str]
) -> Body:
    return {
        "timestamp": at,
        "rule_id": document.id,
        "level": level,
        "message": message,
        "markers": dict(markers),
    }


def not_run(kind: str) -> str:
    """Return why a rule of a type is not run."""
    return NOT_RUN.format(kind, " and ".join(RUN))


def check(rule: Body) -> None:
    """Return when a rule can be one of ours, as far as its code and filters say.

    Raises:
        Answered, InvalidQuery: it cannot.
    """
    _new_rule("", rule, "")


def _new_rule(document_id: str, rule: Body, project: str) -> NewRule:
    code = rule["code"]
    if rule["type"] == METRIC:
        made = NewRule(name="", kind="python", code=code_of(_metric(code)))
    else:
        made = _judge(code)
    return replace(
        made,
        name=f"{rule['name'][:NAME_LENGTH_MAX]}{_suffix(document_id)}",
        project=project,
        is_enabled=bool(rule["enabled"]),
        filter=_filter(rule["filters"]),
        filter_time="first_sight",
        sampling_rate=rule["sampling_rate"],
        context="traces",
        author=shapes.USER,
    )


def _metric(code: Body) -> str:
    source = code.get("metric")
    if not isinstance(source, str) or not source.strip():
        raise errors.unprocessable("code.metric must not be blank")
    return source


def _judge(code: Body) -> NewRule:
    model = requests.object_of(code, "model", "code.model")
    return NewRule(
        name="",
        kind="llm_judge",
        model=requests.text_of(model, "name"),
        temperature=requests.number_of(model, "temperature", "code.model.temperature"),
        prompt_messages=[
            _message(one) for one in requests.objects_of(code, "messages", "code.messages")
        ],
        outputs=[_output(one) for one in requests.objects_of(code, "schema", "code.schema")]
        or None,
    )


def _message(given: Body) -> PromptMessage:
    role = "system" if str(given.get("role")).upper() == "SYSTEM" else "user"
    content = given.get("content")
    if content is None:
        parts = requests.objects_of(given, "content_array", "code.messages.content_array")
        content = "\n".join(str(part.get("text") or "") for part in parts)
    return PromptMessage(role=role, content=str(content or ""))  # type: ignore[arg-type]


def _output(given: Body) -> RuleOutput:
    return RuleOutput(
        name=str(given.get("name")),
        kind=_KINDS.get(str(given.get("type")), "numeric"),
        description=requests.text_of(given, "description"),
    )


def _filter(filters: Sequence[Body]) -> str | None:
    """Return filters in our language. Fields that Opik leaves out at a thread's birth are, too."""
    found = [text for one in filters if (text := _condition(one))]
    return " and ".join(found) or None


def _condition(one: Body) -> str | None:
    field, operator, value = one.get("field", ""), str(one.get("operator")), str(one.get("value"))
    name = _TEXTS.get(field) or _TIMES.get(field)
    if field == "duration":
        return f"duration_ms {operator} {float(value)}s"  # rules give it in seconds
    if name is None:
        return None
    if operator in _EMPTY:
        return f"{name} {_EMPTY[operator]}"
    return f"{name} {operator} {quoted(value)}"
