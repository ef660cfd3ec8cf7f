"""The filter language: text → a checked tree. store/read/filter_sql.py makes SQL of the tree."""

import datetime
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedEOF, UnexpectedToken
from lark.exceptions import VisitError

from otel_threads.core.builtin_scores import BUILTIN_SCORES
from otel_threads.core.errors import InvalidFilter
from otel_threads.core.fields import FilterType, fields_of, filter_types
from otel_threads.core.span_line import SpanLine
from otel_threads.core.suggestions import did_you_mean
from otel_threads.core.thread import Thread
from otel_threads.core.trace import Trace
from otel_threads.core.usage import USAGE

LENGTH_MAX = 10_000
COMPARISONS_MAX = 200
DEPTH_MAX = 50
VALUES_MAX = 1000

Value = str | float | bool | datetime.datetime
# What no word of the language means; `Comparison` says what they look at.
BuiltType = Literal[
    "attribute", "first_attribute", "last_attribute", "own_score", "span_score", "given_tag"
]

_TEXT_ONLY = ("contains", "not_contains", "starts_with", "ends_with")
_EVERY = ("=", "!=", "in", "not_in", "is_null", "is_not_null")
_ORDER = (">", ">=", "<", "<=")
OPERATORS: Mapping[FilterType, Sequence[str]] = {
    "text": (*_EVERY, *_ORDER, *_TEXT_ONLY),
    "number": (*_EVERY, *_ORDER),
    "duration": (*_EVERY, *_ORDER),
    "time": (*_EVERY, *_ORDER),
    "boolean": ("=", "!=", "is_null", "is_not_null"),
    "list": (*_EVERY, *_TEXT_ONLY),
    "map": (*_EVERY, *_ORDER, *_TEXT_ONLY),
    "score": (*_EVERY, *_ORDER, *_TEXT_ONLY),
    "message": ("=", "!=", "in", "not_in", *_TEXT_ONLY),
    "builtin": (*_EVERY, *_ORDER),
}
# Beside an item's own fields: the text of any of its messages, what a span's attributes hold.
_MESSAGES: Mapping[str, FilterType] = {"any_message": "message"}
_ATTRIBUTES: Mapping[str, FilterType] = {"attributes": "map"}
_BUILTINS: Mapping[str, FilterType] = {"builtin": "builtin"}  # counted when it is asked for
_DESCRIBED: Mapping[str, str] = {
    "any_message": "Text of any of its messages.",
    "attributes": "An attribute, as it was sent.",
    **{f"builtin.{name}": told for name, told in BUILTIN_SCORES.items()},
}
_FIELDS: Mapping[type, Mapping[str, FilterType]] = {
    Thread: {**filter_types(Thread), **_MESSAGES, **_BUILTINS},
    Trace: {**filter_types(Trace), **_MESSAGES},
    SpanLine: {**filter_types(SpanLine), **_ATTRIBUTES},
}
THREAD_FIELDS, TRACE_FIELDS, SPAN_FIELDS = (_FIELDS[item] for item in (Thread, Trace, SpanLine))
# Fields of which every key is known.
_KEYS: Mapping[str, Collection[str]] = {"usage": USAGE, "builtin": tuple(BUILTIN_SCORES)}
# What people write for one of several.
ALIASES: Mapping[str, str] = {
    "model": "models",
    "provider": "providers",
    "user": "users",
    "service": "services",
    "environment": "environments",
    "tag": "tags",
}
KEYED = ("attributes", "builtin", "metadata", "scores", "turn_scores", "usage")
TURN_SCORE_PARTS = ("mean", "min", "max", "count")  # of `turn_scores.NAME`; mean when none is named
_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field` (with `key` after the dot, where it has one) `op` `values`.

    `part` is which number of `turn_scores.NAME` is asked.

    The language has no words for the rest, which programs build for interfaces of other products.
    `ignores_case` compares texts, and names of scores, in lower case. Of the types, `attribute` is
    the text of the attribute `field` of an item's root span (of a span's own), where `key` is a
    path or a pointer into its JSON (`$.a[0]`, `/a/0`), and `others` are attributes of a span that
    may hold it, too; `first_attribute` and `last_attribute` are those of a thread's earliest trace
    and of the one that ended last; `own_score` is a trace's, `span_score` the mean of its spans'
    scores; `given_tag` is a thread's tags that people gave, without those that came
    with spans.
    """

    field: str
    key: str | None
    type: FilterType | BuiltType
    op: str
    values: tuple[Value, ...] = ()
    part: str | None = None
    ignores_case: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    item: "Node"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every item holds."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some item holds."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class IsOneOf:
    """One of these threads, by project and id. The language has no words for it."""

    keys: tuple[tuple[str, str], ...]


Node = Comparison | Not | AllOf | AnyOf | IsOneOf
ALWAYS: Node = AllOf(())
NEVER: Node = AnyOf(())


def parse(text: str, fields: Mapping[str, FilterType] = THREAD_FIELDS) -> Node:
    """Return the tree of a filter.

    A comparison with what is unknown (null) holds for `!=`, `not_in`, `not_contains` and `is_null`,
    and for nothing else, so that `not` is always the opposite.

    Raises:
        InvalidFilter: it says nothing, or not what can be asked; with the position and what can.
    """
    if len(text) > LENGTH_MAX:
        raise InvalidFilter(f"longer than {LENGTH_MAX} characters", LENGTH_MAX)
    try:
        tree = _PARSER.parse(text)
        node: Node = _Builder(fields).transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, InvalidFilter):
            raise error.orig_exc from None
        raise
    except UnexpectedEOF:
        raise InvalidFilter(f"ends too early; {_SHAPE}", len(text)) from None
    except UnexpectedToken as error:
        at = error.pos_in_stream if error.token.type != "$END" else len(text)
        what = "ends too early" if error.token.type == "$END" else f"unexpected {error.token!s:.40}"
        raise InvalidFilter(f"{what}; {_SHAPE}", at if at is not None else len(text)) from None
    except UnexpectedCharacters as error:
        at = error.pos_in_stream or 0
        raise InvalidFilter(f"unexpected {text[at : at + 1]!r}; {_SHAPE}", at) from None
    except RecursionError:
        raise InvalidFilter(f"nested deeper than {DEPTH_MAX}", 0) from None
    if _depth(node) > DEPTH_MAX:
        raise InvalidFilter(f"nested deeper than {DEPTH_MAX}", 0)
    return node


_SHAPE = (
    "write field operator value, as in duration_ms > 90s, joined by and, or, not; "
    'texts stand in quotes: thread_id starts_with "user-"'
)
_PARSER = Lark(
    resources.files(__package__).joinpath("filters.lark").read_text(encoding="utf-8"),
    parser="lalr",
    propagate_positions=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterField:
    """A field that filters know. `name` ends with a dot where a key follows, as in `scores.`.

    `label` heads its column on the page, empty where the page has none; `unit` is that of its
    number; `exported` is whether CSV and Parquet have a column of that name.
    """

    name: str
    type: FilterType
    operators: list[str]
    sortable: bool
    label: str
    unit: str
    description: str
    exported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterFields:
    """All fields of threads, of traces or of spans, by name: one page."""

    items: list[FilterField]
    next_cursor: None = None


def described(item: type, *, sorts: Collection[str]) -> list[FilterField]:
    """Return what can be asked of threads, of traces or of spans, by name."""
    named = fields_of(item)
    found = []
    for name, kind in _FIELDS[item].items():
        field = named[name].field if name in named else None
        for shown in _shown_names(name):
            found.append(
                FilterField(
                    name=shown,
                    type=kind,
                    operators=list(OPERATORS[kind]),
                    sortable=kind == "score" or shown.removeprefix("usage.") in sorts,
                    label=field.label if field else "",
                    unit=field.unit if field else "",
                    description=field.description if field else _DESCRIBED[shown.rstrip(".")],
                    exported=name == "usage" or (field is not None and field.export is not None),
                )
            )
    return sorted(found, key=lambda one: one.name)


def _shown_names(name: str) -> Sequence[str]:
    """Return how a field is written: with each key where all are known, else with a dot."""
    if name in _KEYS:
        return [f"{name}.{key}" for key in _KEYS[name]]
    return [f"{name}." if name in KEYED else name]


@dataclass(frozen=True, slots=True)
class ScoreSort:
    """A sort by scores: the field, the score's name, and which number of `turn_scores`."""

    field: str
    name: str
    part: str = "mean"


def score_sort(text: str) -> ScoreSort | None:
    """Return a sort such as `scores.quality` or `turn_scores.thumb.min`; None of other sorts.

    A name may stand in double quotes, as in filters: `turn_scores."a.max"`.
    """
    field, _, name = text.partition(".")
    if field not in ("scores", "turn_scores") or not name:
        return None
    part = "mean"
    if field == "turn_scores":
        before, _, last = name.rpartition(".")
        if before and last in TURN_SCORE_PARTS:
            name, part = before, last
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = _unquoted(name)
    return ScoreSort(field, name, part)


def quoted(text: str) -> str:
    """Return a string of the language that means `text`."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class _Literal:
    value: Value
    type: str
    at: int


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    key: str | None
    type: FilterType
    part: str | None
    at: int


class _Builder(Transformer[Token, Any]):
    """Makes and checks nodes, from the leaves up."""

    def __init__(self, fields: Mapping[str, FilterType]) -> None:
        super().__init__()
        self._fields = fields
        self._comparisons = 0

    def start(self, items: list[Any]) -> Any:
        return items[0]

    def any_of(self, items: list[Node]) -> Node:
        return items[0] if len(items) == 1 else AnyOf(tuple(items))

    def all_of(self, items: list[Node]) -> Node:
        return items[0] if len(items) == 1 else AllOf(tuple(items))

    def negated(self, items: list[Node]) -> Node:
        return Not(items[0])

    def field(self, items: list[Token]) -> "_Field":
        at = items[0].start_pos or 0
        name = str(items[0]).lower()
        name = name if name in self._fields else ALIASES.get(name, name)
        part = None
        if name == "turn_scores" and len(items) > 2 and str(items[-1]) in TURN_SCORE_PARTS:
            part = str(items.pop())
        key = ".".join(
            _unquoted(str(item)) if item.type == "STRING" else str(item) for item in items[1:]
        )
        kind = self._fields.get(name)
        if kind is None:
            raise InvalidFilter(
                f"unknown field {str(items[0])!r}{did_you_mean(name, self._fields)}; known: "
                f"{', '.join(sorted(self._fields))}",
                at,
            )
        if (name in KEYED) != bool(key):
            wanted = f"{name}.NAME" if name in KEYED else name
            raise InvalidFilter(f"write {wanted}", at)
        if name in _KEYS and key not in (known := _KEYS[name]):
            raise InvalidFilter(
                f"unknown {name} {key!r}{did_you_mean(key, known)}; known: {', '.join(known)}", at
            )
        return _Field(name, key or None, kind, part, at)

    def string(self, items: list[Token]) -> _Literal:
        return _Literal(_unquoted(str(items[0])), "string", items[0].start_pos or 0)

    def number(self, items: list[Token]) -> _Literal:
        at = items[0].start_pos or 0
        value = float(items[0])
        if not math.isfinite(value):
            raise InvalidFilter(f"{items[0]!s:.40} is no finite number", at)
        return _Literal(value, "number", at)

    def duration(self, items: list[Token]) -> _Literal:
        at = items[0].start_pos or 0
        number, unit = re.fullmatch(r"([\d.]+)(\w+)", str(items[0])).groups()  # type: ignore[union-attr]
        value = float(number) * _UNITS_MS[unit]
        if not math.isfinite(value):
            raise InvalidFilter(f"{items[0]!s:.40} is no finite duration", at)
        return _Literal(value, "duration", at)

    def time(self, items: list[Token]) -> _Literal:
        at = items[0].start_pos or 0
        return _Literal(_time(str(items[0]), at), "time", at)

    def boolean(self, items: list[Token]) -> _Literal:
        return _Literal(str(items[0]).lower() == "true", "boolean", items[0].start_pos or 0)

    def compare(self, items: list[Any]) -> Node:
        return self._comparison(items[0], items[1], items[2:])

    def compare_list(self, items: list[Any]) -> Node:
        return self._comparison(items[0], items[1], items[2:])

    def compare_null(self, items: list[Any]) -> Node:
        return self._comparison(items[0], items[1], [])

    def _comparison(self, field: "_Field", operator: Token, given: list[_Literal]) -> Node:
        name, kind, at = field.name, field.type, field.at
        op = str(operator).lower()
        self._comparisons += 1
        if self._comparisons > COMPARISONS_MAX:
            raise InvalidFilter(f"more than {COMPARISONS_MAX} comparisons", at)
        if len(given) > VALUES_MAX:
            raise InvalidFilter(f"more than {VALUES_MAX} values in one list", at)
        asked: FilterType = "number" if field.part else kind
        if op not in OPERATORS[asked]:
            raise InvalidFilter(
                f"{name} cannot be asked {op!r}; it takes {' '.join(OPERATORS[asked])}",
                operator.start_pos or 0,
            )
        values = tuple(_convert(literal, name, asked, op) for literal in given)
        if name == "attributes":  # long values stand apart
            return Comparison(field.key or "", None, "attribute", op, values)
        return Comparison(name, field.key, kind, op, values, field.part)


def _convert(literal: _Literal, name: str, kind: FilterType, op: str) -> Value:
    """Return a value as the field's type takes it."""
    allowed: Mapping[FilterType, tuple[str, ...]] = {
        "text": ("string",),
        "list": ("string",),
        "message": ("string",),
        "number": ("number",),
        "duration": ("number", "duration"),
        "time": ("time", "string"),
        "boolean": ("boolean",),
        "map": ("string", "number", "boolean"),
        "score": ("string", "number"),
        "builtin": ("number", "boolean"),
    }
    takes = ("string",) if op in _TEXT_ONLY else allowed[kind]
    if literal.type not in takes:
        raise InvalidFilter(
            f"{name} is compared with a {' or a '.join(takes)}, not with a {literal.type}",
            literal.at,
        )
    if kind == "time" and isinstance(literal.value, str):
        return _time(literal.value, literal.at)
    return float(literal.value) if kind == "builtin" else literal.value  # type: ignore[arg-type]


def _time(text: str, at: int) -> datetime.datetime:
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise InvalidFilter(
            f"{text[:40]!r} is no time; write it as in 2026-01-31T09:30:00Z", at
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)


def _unquoted(text: str) -> str:
    """Return what a quoted string means: \\\\, \\" and \\' stand for one character."""
    return re.sub(r"\\([\\\"'])", r"\1", text[1:-1])


def mapped(node: Node, change: Callable[[Comparison], Node]) -> Node:
    """Return a tree with each comparison changed."""
    match node:
        case Comparison():
            return change(node)
        case Not(item):
            return Not(mapped(item, change))
        case AllOf(items):
            return AllOf(tuple(mapped(item, change) for item in items))
        case AnyOf(items):
            return AnyOf(tuple(mapped(item, change) for item in items))
        case _:
            return node


def comparisons(node: Node) -> Iterator[Comparison]:
    """Yield every comparison of a tree."""
    match node:
        case Comparison():
            yield node
        case Not(item):
            yield from comparisons(item)
        case AllOf(items) | AnyOf(items):
            for item in items:
                yield from comparisons(item)


def _depth(node: Node) -> int:
    match node:
        case Not(item):
            return 1 + _depth(item)
        case AllOf(items) | AnyOf(items):
            return 1 + max(map(_depth, items), default=0)
        case _:
            return 0
