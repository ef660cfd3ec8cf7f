"""Opik's filters as trees of our filter language. All are joined by AND; texts ignore case.

Source: comet-ml/opik, TraceField, TraceThreadField, SpanField and Operator of its backend.
"""

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from otel_threads.core import record
from otel_threads.core.errors import InvalidQuery
from otel_threads.core.fields import FilterType
from otel_threads.core.filters import ALWAYS, NEVER, AllOf, AnyOf, BuiltType, Comparison, Node, Not
from otel_threads.derive.span_payload import Side, names
from otel_threads.derive.thread_id import as_kept
from otel_threads.services.contents import Which
from otel_threads.vendors import ids
from otel_threads.vendors.opik.record_fields import Given

FILTERS_MAX = 100
VALUE_LENGTH_MAX = 10_000
_TEXT = ("=", "!=", "contains", "not_contains", "starts_with", "ends_with", ">", "<")
_ORDER = ("=", "!=", ">", ">=", "<", "<=")
_EMPTY = ("is_empty", "is_not_empty")
_LIST = ("=", "!=", "contains", "not_contains", *_EMPTY)
_ENUM = ("=", "!=", "in", "not_in")
_DICTIONARY = (*_TEXT, ">=", "<=", *_EMPTY)


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter as it came, checked for its shape."""

    field: str
    key: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Field:
    """What a field can be asked, and the tree that a filter on it means."""

    operators: Sequence[str]
    tree: Callable[[Filter], Node]


def parsed(text: str | None) -> list[Any] | None:
    """Return filters that stand in a query parameter as JSON.

    Raises:
        InvalidQuery: it is no JSON array.
    """
    if not text:
        return None
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidQuery("Invalid filters query parameter: it is no JSON") from None
    if not isinstance(found, list):
        raise InvalidQuery("Invalid filters query parameter: it is no JSON array")
    return found


def tree(given: Sequence[Any] | None, fields: Mapping[str, Field]) -> Node | None:
    """Return the tree of some filters, None when there are none.

    Raises:
        InvalidQuery: a field, an operator or a value that cannot be; the message names it.
    """
    if given is not None and not isinstance(given, list):
        raise InvalidQuery("filters is no JSON array")
    if given and len(given) > FILTERS_MAX:
        raise InvalidQuery(f"{len(given)} filters; at most {FILTERS_MAX} are taken")
    found = [_node(_filter(one), fields) for one in given or ()]
    return AllOf(tuple(found)) if found else None


def _filter(given: Any) -> Filter:
    if not isinstance(given, dict):
        raise InvalidQuery("a filter is a JSON object with field, operator and value")
    parts = {name: given.get(name) for name in ("field", "operator", "key", "value")}
    for name, value in parts.items():
        if value is not None and not isinstance(value, str | int | float | bool):
            raise InvalidQuery(f"filter: {name} is no text")
    texts = {name: _text(value) for name, value in parts.items()}
    if len(texts["value"]) > VALUE_LENGTH_MAX or len(texts["key"]) > VALUE_LENGTH_MAX:
        raise InvalidQuery(f"filter: a value of more than {VALUE_LENGTH_MAX} characters")
    return Filter(**texts)


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _node(one: Filter, fields: Mapping[str, Field]) -> Node:
    name = one.field
    field = fields.get(name)
    if field is None and "." in name:  # as in feedback_scores.name, metadata.key
        head, _, key = name.partition(".")
        if head in fields and not one.key and head in _KEYED:
            return _node(Filter(head, key, one.operator, one.value), fields)
    if field is None:
        raise InvalidQuery(f"Invalid filter: unknown field {name[:100]!r}")
    if one.operator not in field.operators:
        raise InvalidQuery(
            f"Invalid operator {one.operator[:40]!r} for field {name!r}: it takes"
            f" {' '.join(field.operators)}"
        )
    return field.tree(one)


_KEYED = ("feedback_scores", "span_feedback_scores", "metadata", "input_json", "output_json")


def _compared(
    name: str, kind: FilterType | BuiltType, one: Filter, value: Any, key: str | None = None
) -> Comparison:
    """Return a comparison of a field of ours that ignores case."""
    if one.operator == "is_empty":
        return Comparison(name, key, kind, "is_null", ignores_case=True)
    if one.operator == "is_not_empty":
        return Comparison(name, key, kind, "is_not_null", ignores_case=True)
    values = value if isinstance(value, tuple) else (value,)
    return Comparison(name, key, kind, one.operator, values, ignores_case=True)


def _number(one: Filter) -> float:
    try:
        found = float(one.value)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InvalidQuery(
            f"Invalid value {one.value[:40]!r} for field {one.field!r}: it is no number"
        )
    return found


def _time(one: Filter) -> datetime.datetime:
    try:
        found = datetime.datetime.fromisoformat(one.value)
    except ValueError:
        raise InvalidQuery(
            f"Invalid value {one.value[:40]!r} for field {one.field!r}: it is no ISO-8601 time"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def text(name: str) -> Field:
    """Return a field that is a text of ours."""
    return Field(_TEXT, lambda one: _compared(name, "text", one, one.value))


def uuid(name: str) -> Field:
    """Return a field that is an id, which Opik writes with dashes and we without."""
    return Field(_TEXT, lambda one: _compared(name, "text", one, one.value.replace("-", "")))


def span_uuid(ours: str, told: str, path: str | None = None) -> Field:
    """Return the UUID of a span: as a record has it in the attribute `told`, else of OTLP's id.

    A whole one that stands for a span of OTLP is known by its low half, as in `spans_by_uuid`.
    """

    def tree_of(one: Filter) -> Node:
        whole = ids.uuid_text(one.value)
        asked = replace(one, operator=_POSITIVE.get(one.operator, one.operator))
        is_record = Not(_no_record())
        theirs = _compared(told, "attribute", asked, whole or one.value, path)
        if whole and asked.operator == "=":
            bare = _compared(ours, "text", asked, ids.span_id_of_uuid(whole))
        else:
            bare = _compared(f"{ours}_uuid", "text", asked, one.value)
        found = AnyOf((AllOf((is_record, theirs)), AllOf((_no_record(), bare))))
        return found if asked.operator == one.operator else Not(found)

    return Field(_TEXT, tree_of)


_POSITIVE = {"!=": "=", "not_contains": "contains"}


def conversation() -> Field:
    """Return the conversation's id; a whole one is compared as it is kept."""

    def tree_of(one: Filter) -> Node:
        value = as_kept(one.value) if one.operator in ("=", "!=") else one.value
        return _compared("thread_id", "text", one, value)

    return Field(_TEXT, tree_of)


def number(name: str, *, factor: float = 1.0, key: str | None = None) -> Field:
    """Return a field that is a number of ours, times a factor."""
    return Field(_ORDER, lambda one: _compared(name, "number", one, _number(one) / factor, key))


def time(name: str) -> Field:
    """Return a field that is a time of ours."""
    return Field(_ORDER, lambda one: _compared(name, "time", one, _time(one)))


def texts(name: str, kind: FilterType | BuiltType = "list") -> Field:
    """Return a field that is a list of texts."""
    return Field(_LIST, lambda one: _compared(name, kind, one, one.value))


def one_of(name: str, kind: FilterType = "text") -> Field:
    """Return a field of a few known words; `in` takes several, with commas."""

    def tree_of(one: Filter) -> Node:
        words = tuple(word.strip() for word in one.value.split(","))
        return _compared(name, kind, one, words if "in" in one.operator else one.value)

    return Field((*_ENUM, "contains", "not_contains") if kind == "list" else _ENUM, tree_of)


def score(kind: FilterType | BuiltType = "score") -> Field:
    """Return the scores: `key` is the name of one."""

    def tree_of(one: Filter) -> Node:
        if not one.key:
            raise InvalidQuery(f"Invalid filter: {one.field} needs a key, the name of a score")
        value = None if one.operator in _EMPTY else _number(one)
        return _compared("scores", kind, one, value, one.key)

    return Field((*_ORDER, *_EMPTY), tree_of)


def never() -> Field:
    """Return a field that nothing has here: every item is empty."""
    operators = (*_LIST, ">", ">=", "<", "<=", "in", "not_in", "starts_with", "ends_with")
    negative = ("!=", "not_contains", "not_in", "is_empty")
    return Field(operators, lambda one: ALWAYS if one.operator in negative else NEVER)


def record_text(name: str) -> Field:
    """Return a field of a record that is a text, compared as such and not as its JSON."""
    operators = (*_TEXT, "in", "not_in", *_EMPTY)

    def tree_of(one: Filter) -> Node:
        words = tuple(one.value.split(",")) if "in" in one.operator else one.value
        return _compared(record.field(name), "attribute", one, words, "$")

    return Field(operators, tree_of)


def words(name: str) -> Field:
    """Return a field of ours that is a text, also asked as one of several, or whether it is."""

    def tree_of(one: Filter) -> Node:
        found = tuple(one.value.split(",")) if "in" in one.operator else one.value
        return _compared(name, "text", one, found)

    return Field((*_TEXT, "in", "not_in", *_EMPTY), tree_of)


def side(of: Side) -> Field:
    """Return the input or output of a span, in whichever attribute it is."""
    first, *others = names(of)

    def tree_of(one: Filter) -> Node:
        return replace(_compared(first, "attribute", one, one.value), others=tuple(others))

    return Field((*_TEXT, *_EMPTY), tree_of)


def record_number(name: str, path: str = "$") -> Field:
    """Return a field of a record that is a number."""
    return Field(
        _ORDER, lambda one: _compared(record.field(name), "attribute", one, _number(one), path)
    )


def record_list(name: str) -> Field:
    """Return a field of a record that lists texts: a member, or a part of one."""

    def tree_of(one: Filter) -> Node:
        attribute = record.field(name)
        if one.operator in _EMPTY:
            there = Comparison(attribute, "$[0]", "attribute", "is_not_null")
            return there if one.operator == "is_not_empty" else Not(there)
        # Members stand in the JSON text between quotes.
        value = orjson.dumps(one.value).decode()
        whole = one.operator in ("=", "!=")
        found = Comparison(
            attribute,
            None,
            "attribute",
            "contains",
            (value if whole else value[1:-1],),
            ignores_case=True,
        )
        return Not(found) if one.operator in ("!=", "not_contains") else found

    return Field(_LIST, tree_of)


def error(otlp: Node) -> Field:
    """Return whether something failed: a record that says so, else what `otlp` tells."""
    told = Comparison(record.field("error_info"), None, "attribute", "is_not_null")
    failed = AnyOf((told, AllOf((_no_record(), otlp))))
    return Field(_EMPTY, lambda one: failed if one.operator == "is_not_empty" else Not(failed))


def dictionary(name: str, ours: str | None = None) -> Field:
    """Return a field of JSON: `key` is a dotted path into it, without one its whole text.

    `ours` is the map of ours that conversations of OTLP have instead.
    """

    def tree_of(one: Filter) -> Node:
        path = json_path(one.key) if one.key else None
        found = _numbers_too(record.field(name), "attribute", one, path)
        if ours is None or not one.key:
            return found
        theirs = _numbers_too(ours, "map", one, one.key)
        return AnyOf((AllOf((Not(_no_record()), found)), AllOf((_no_record(), theirs))))

    return Field(_DICTIONARY, tree_of)


def _numbers_too(name: str, kind: FilterType | BuiltType, one: Filter, key: str | None) -> Node:
    """Return a comparison; a value that is a number is compared as one where order counts."""
    if one.operator in (">", ">=", "<", "<="):
        try:
            return _compared(name, kind, one, float(one.value), key)
        except ValueError:
            pass
    return _compared(name, kind, one, one.value, key)


def message(
    name: str, instead: str, kind: BuiltType = "attribute", other: FilterType = "text"
) -> Field:
    """Return the input or output of a record as JSON text; of OTLP, the text `instead`."""

    def tree_of(one: Filter) -> Node:
        attribute = record.field(name)
        has = Comparison(record.ENTITY, None, kind, "is_not_null")
        theirs = _compared(attribute, kind, one, one.value)
        ours = _compared(instead, other, one, one.value)
        return AnyOf((AllOf((has, theirs)), AllOf((Not(has), ours))))

    return Field((*_TEXT, *_EMPTY), tree_of)


def _no_record() -> Node:
    return Comparison(record.ENTITY, None, "attribute", "is_null")


def json_path(dotted: str) -> str:
    """Return the JSON pointer of keys with dots between them: `a.b[0]` is `/a/b/0`.

    No key has a meaning of its own in a pointer, as `*` has in a path, and none is an error.
    """
    steps = [step for part in dotted.removeprefix("$.").split(".") for step in _steps(part)]
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _steps(part: str) -> list[str]:
    """Return a key and the indexes behind it."""
    indexes: list[str] = []
    while (name := part.removesuffix("]")) != part:
        name, bracket, index = name.rpartition("[")
        if not (bracket and index.isascii() and index.isdecimal()):
            break
        indexes.append(index)
        part = name
    return [part, *indexes[::-1]] if part or not indexes else indexes[::-1]


_USAGE = {
    "usage.prompt_tokens": "input_tokens",
    "usage.completion_tokens": "output_tokens",
    "usage.total_tokens": "total_tokens",
}
_FAILED = Comparison("error_count", None, "number", ">", (0.0,))
_COMMON: Mapping[str, Field] = {
    **{name: number("usage", key=key) for name, key in _USAGE.items()},
    "tags": texts("tags"),
    "created_at": time("created_at"),
    "last_updated_at": time("updated_at"),
    "duration": number("duration_ms"),
    "total_estimated_cost": number("cost_usd"),
    "feedback_scores": score(),
    "environment": one_of("environments", "list"),
    "annotation_queue_ids": never(),
    "guardrails": never(),
    "experiment_id": never(),
}
TRACES: Mapping[str, Field] = {
    **_COMMON,
    "id": uuid("trace_id"),
    "name": text("name"),
    "start_time": time("start_time"),
    "end_time": time("end_time"),
    "thread_id": conversation(),
    "input": message("input", "first_message"),
    "output": message("output", "last_message"),
    "input_json": dictionary("input"),
    "output_json": dictionary("output"),
    "metadata": dictionary("metadata", "metadata"),
    "llm_span_count": number("call_count"),
    "feedback_scores": score("own_score"),
    "span_feedback_scores": score("span_score"),
    "error_info": error(_FAILED),
    "providers": texts("providers"),
    "ttft": record_number("ttft"),
    "source": record_text("source"),
    "visibility_mode": Field(
        _ENUM, lambda one: ALWAYS if (one.value == "default") == (one.operator[0] != "!") else NEVER
    ),
}
THREADS: Mapping[str, Field] = {
    **_COMMON,
    "id": conversation(),
    "thread_id": conversation(),
    "start_time": time("first_activity_time"),
    "end_time": time("last_activity_time"),
    "first_message": message("input", "first_message", "first_attribute"),
    "last_message": message("output", "last_message", "last_attribute"),
    "number_of_messages": number("trace_count", factor=2.0),
    "status": one_of("status"),
    "tags": texts("given_tags", "given_tag"),
    "source": never(),
}
SPANS: Mapping[str, Field] = {
    "id": span_uuid("span_id", record.ID),
    "trace_id": uuid("trace_id"),
    "parent_span_id": span_uuid("parent_span_id", record.field("parent_span_id"), "$"),
    "name": text("name"),
    "start_time": time("start_time"),
    "end_time": time("end_time"),
    "created_at": time("received_at"),
    "last_updated_at": time("received_at"),
    "duration": number("duration_ms"),
    "type": words("type"),
    "input": side("input"),
    "output": side("output"),
    "input_json": dictionary("input"),
    "output_json": dictionary("output"),
    "metadata": dictionary("metadata", "attributes"),
    "model": words("model"),
    "provider": words("provider"),
    "tags": record_list("tags"),
    **{name: number(ours) for name, ours in _USAGE.items()},
    "total_estimated_cost": number("cost_usd"),
    "ttft": number("time_to_first_token_ms"),
    "feedback_scores": score(),
    "error_info": error(Comparison("status_code", None, "text", "=", ("error",))),
    "environment": record_text("environment"),
    "source": record_text("source"),
    "guardrails": never(),
}


def having(which: Which, field: str, fields: Mapping[str, Field]) -> Which:
    """Return a selection of those that have a field."""
    there = tree([{"field": field, "operator": "is_not_empty"}], fields)
    both = [one for one in (which.get("where"), there) if one is not None]
    return {**which, "where": AllOf(tuple(both))}


def given_filters(body: Given) -> Sequence[Any] | None:
    """Return the filters of a request's body."""
    found = body.get("filters")
    return found if found is None or isinstance(found, list) else [found]
