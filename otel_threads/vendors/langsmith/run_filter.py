"""The filter language of runs and threads: text → a checked tree → whether an item matches.

Calls are in prefix notation: `and(eq(run_type, "llm"), gt(latency, "5s"))`. Conditions on a key and
on its value that stand in one `and` hold for the same pair.

Source: docs.langchain.com/langsmith, "Trace query syntax".
"""

import datetime
import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

import orjson
from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from otel_threads.core.errors import InvalidFilter
from otel_threads.derive.thread_id import as_kept
from otel_threads.json_bounds import JsonTooLarge, check_json
from otel_threads.vendors.langsmith.like import Like

LENGTH_MAX = 10_000
CONDITIONS_MAX = 200
DEPTH_MAX = 50
VALUES_MAX = 1000

Literal = str | float | bool | datetime.datetime | None
# What a field of an item may hold, or a part of a pair.
Value = str | float | int | bool | datetime.datetime | None
Pair = Mapping[str, Value]


class Subject(Protocol):
    """An item that a filter is held against."""

    def values(self, field: str) -> Sequence[Value]:
        """Return what a field of FIELDS holds, several for a list; none when it is unknown."""

    def pairs(self, family: str) -> Iterable[Pair]:
        """Return the pairs of a family of FAMILIES, each by the names of its parts."""

    def texts(self, field: str | None) -> Iterable[str]:
        """Return the texts of inputs, outputs or error, of all of them for None, for `search`."""


# Field → how it is compared.
FIELDS: Mapping[str, str] = {
    "id": "id",
    "trace_id": "id",
    "parent_run_id": "id",
    "session_id": "id",
    "reference_example": "id",
    "reference_example_id": "id",
    "name": "text",
    "run_type": "word",
    "status": "word",
    "error": "text",
    "thread_id": "text",
    "tags": "text",
    "tag": "text",
    "start_time": "time",
    "end_time": "time",
    "min_start_time": "time",
    "max_start_time": "time",
    "latency": "seconds",
    "first_token_time": "seconds",
    "total_tokens": "number",
    "prompt_tokens": "number",
    "completion_tokens": "number",
    "total_cost": "number",
    "prompt_cost": "number",
    "completion_cost": "number",
    "count": "number",
    "turns": "number",
    "num_errored_turns": "number",
    "is_root": "boolean",
    "metadata": "json",
    "inputs": "text",
    "outputs": "text",
}
# Family → its parts → how each is compared. The first part is the key.
FAMILIES: Mapping[str, Mapping[str, str]] = {
    "metadata": {"metadata_key": "text", "metadata_value": "loose"},
    "input": {"input_key": "text", "input_value": "loose"},
    "output": {"output_key": "text", "output_value": "loose"},
    "feedback": {
        "feedback_key": "text",
        "feedback_score": "loose",
        "feedback_value": "loose",
        "feedback_comment": "text",
        "feedback_source": "word",
    },
}
_FAMILY_OF = {part: family for family, parts in FAMILIES.items() for part in parts}
_KEYS = {next(iter(parts)) for parts in FAMILIES.values()}
_KINDS = {**FIELDS, **{part: kind for parts in FAMILIES.values() for part, kind in parts.items()}}
_ALIASES = {"ne": "neq", "nin": "not_in", "contains": "has"}
_COMPARATORS = ("eq", "neq", "gt", "gte", "lt", "lte", "in", "not_in", "has", "like", "exists")
_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Condition:
    """`op(field, literals…)`; `test` says whether one value holds."""

    field: str
    op: str
    literals: tuple[Literal, ...]
    test: Callable[[Value], bool]


@dataclass(frozen=True, slots=True)
class Search:
    """Every word stands somewhere in the texts of a field, of all for None."""

    field: str | None
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Same:
    """All conditions hold for one pair of a family."""

    family: str
    items: tuple["Node", ...]


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


Node = Condition | Search | Same | Not | AllOf | AnyOf


def parse(text: str) -> Node:
    """Return the tree of a filter.

    Raises:
        InvalidFilter: it says nothing, or not what can be asked; with the position and what can.
    """
    if len(text) > LENGTH_MAX:
        raise InvalidFilter(f"longer than {LENGTH_MAX} characters", LENGTH_MAX)
    try:
        node: Node = _Builder().transform(_PARSER.parse(text))
    except VisitError as error:
        if isinstance(error.orig_exc, InvalidFilter):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        at = error.pos_in_stream
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        at = len(text) if ended or at is None or at < 0 else min(at, len(text))
        seen = f"unexpected {text[at : at + 1]!r}" if at < len(text) else "ends too early"
        raise InvalidFilter(f"{seen}; {_SHAPE}", at) from None
    except RecursionError:
        raise InvalidFilter(f"nested deeper than {DEPTH_MAX}", 0) from None
    if _depth(node) > DEPTH_MAX:
        raise InvalidFilter(f"nested deeper than {DEPTH_MAX}", 0)
    return node


def matches(node: Node, item: Subject, check: Callable[[], None] = lambda: None) -> bool:
    """Return whether an item matches. What is unknown matches `neq`, `not_in` and `eq(x, null)`.

    `check` is called before each condition; what it raises ends the work.
    """
    return _matches(node, _Item(item, check))


class _Item:
    """An item whose fields, pairs and texts are each read once."""

    def __init__(self, subject: Subject, check: Callable[[], None]) -> None:
        self.values = functools.cache(subject.values)
        self.check = check
        self._subject = subject
        self.pairs = functools.cache(self._pairs)
        self.lowered = functools.cache(self._lowered)

    def _pairs(self, family: str) -> Sequence[Pair]:
        return tuple(self._subject.pairs(family))

    def _lowered(self, field: str | None) -> Sequence[str]:
        return [text.lower() for text in self._subject.texts(field)]


def _matches(node: Node, item: _Item) -> bool:
    item.check()
    match node:
        case AllOf(items):
            return all(_matches(one, item) for one in items)
        case AnyOf(items):
            return any(_matches(one, item) for one in items)
        case Not(one):
            return not _matches(one, item)
        case Same(family, (Condition(op="neq" | "not_in") as only,)):  # of a pair that has no other
            return all(_of_pair(only, pair) for pair in item.pairs(family))
        case Same(family, items):
            return any(all(_of_pair(one, pair) for one in items) for pair in item.pairs(family))
        case Search(field, words):
            texts = item.lowered(field)
            return all(any(word in text for text in texts) for word in words)
        case Condition():
            return _holds(node, item.values(node.field))


def conjuncts(node: Node | None) -> Iterator[Condition | Same]:
    """Yield the conditions and pairs that every match has to meet, so that a store can look for
    candidates by them."""
    if isinstance(node, AllOf):
        for one in node.items:
            yield from conjuncts(one)
    elif isinstance(node, Condition | Same):
        yield node


def fields(node: Node | None) -> set[str]:
    """Return the fields and families that a filter looks at, `inputs` and the like for a search."""
    match node:
        case None:
            return set()
        case Condition():
            return {node.field}
        case Same(family, _):
            return {family}
        case Search(field, _):
            return {field} if field else {"inputs", "outputs", "error"}
        case Not(one):
            return fields(one)
        case AllOf(items) | AnyOf(items):
            return set().union(*map(fields, items))


def _of_pair(node: Node, pair: Pair) -> bool:
    match node:
        case Condition():
            value = pair.get(node.field)
            return _holds(node, () if value is None else (value,))
        case Not(one):
            return not _of_pair(one, pair)
        case AnyOf(items):
            return any(_of_pair(one, pair) for one in items)
        case _:
            return False


def _holds(condition: Condition, values: Sequence[Value]) -> bool:
    known = [value for value in values if value is not None]
    match condition.op:
        case "exists":
            return bool(known)
        case "eq" | "in" if None in condition.literals and not known:
            return True
        case "neq" | "not_in":
            if None in condition.literals and not known:
                return False
            return not any(condition.test(value) for value in known)
        case _:
            return any(condition.test(value) for value in known)


_SHAPE = 'write calls, as in and(eq(run_type, "llm"), gt(latency, "5s"))'
_PARSER = Lark(
    resources.files(__package__).joinpath("run_filter.lark").read_text(encoding="utf-8"),
    parser="lalr",
    propagate_positions=True,
)


@dataclass(frozen=True, slots=True)
class _Given:
    """An argument of a call: a literal, or a list of them."""

    values: tuple[Literal, ...]
    at: int
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class _Name:
    """An argument of a call: a field."""

    name: str
    at: int


class _Builder(Transformer[Token, Any]):
    """Makes and checks nodes, from the leaves up."""

    def __init__(self) -> None:
        super().__init__()
        self._conditions = 0

    def start(self, items: list[Node]) -> Node:
        return items[0]

    def field(self, items: list[Token]) -> _Name:
        return _Name(str(items[0]), items[0].start_pos or 0)

    def several(self, items: list[Any]) -> _Given:
        given = [one for one in items if one is not None]
        at = given[0].at if given else 0
        if len(given) > VALUES_MAX:
            raise InvalidFilter(f"more than {VALUES_MAX} values in one list", at)
        return _Given(tuple(one.values[0] for one in given), at, is_list=True)

    def literal(self, items: list[Token]) -> _Given:
        token = items[0]
        return _Given((_literal(token),), token.start_pos or 0)

    def call(self, items: list[Any]) -> Node:
        token, *given = items
        arguments = [one for one in given if one is not None]
        name, at = str(token).lower(), token.start_pos or 0
        name = _ALIASES.get(name, name)
        match name:
            case "and" | "or" | "not":
                return _joined(name, arguments, at)
            case "search":
                return self._search(arguments, at)
            case _ if name in _COMPARATORS:
                return self._condition(name, arguments, at)
        known = ", ".join(("and", "or", "not", *_COMPARATORS, "search"))
        raise InvalidFilter(f"unknown function {str(token)!r}; known: {known}", at)

    def _count(self, at: int) -> None:
        self._conditions += 1
        if self._conditions > CONDITIONS_MAX:
            raise InvalidFilter(f"more than {CONDITIONS_MAX} conditions", at)

    def _search(self, arguments: Sequence[Any], at: int) -> Search:
        self._count(at)
        field = None
        if len(arguments) == 2 and isinstance(arguments[0], _Name):
            field, arguments = arguments[0].name.lower(), arguments[1:]
            if field not in ("inputs", "outputs", "error", "name"):
                raise InvalidFilter(f"cannot search {field!r}; inputs, outputs, error, name", at)
        if len(arguments) != 1 or not isinstance(arguments[0], _Given):
            raise InvalidFilter('write search("text") or search(inputs, "text")', at)
        text = arguments[0].values[0] if arguments[0].values else None
        if not isinstance(text, str) or not text.strip():
            raise InvalidFilter('write search("text") or search(inputs, "text")', arguments[0].at)
        return Search(field, tuple(text.lower().split()))

    def _condition(self, op: str, arguments: Sequence[Any], at: int) -> Node:
        self._count(at)
        if not arguments or not isinstance(arguments[0], _Name):
            raise InvalidFilter(f"{op} takes a field first", at)
        named = arguments[0]
        field = named.name.lower()
        if field not in _KINDS:
            known = ", ".join(sorted(_KINDS))
            raise InvalidFilter(f"unknown field {named.name!r}; known: {known}", named.at)
        if len(arguments) > 1 + (op != "exists" or field == "metadata"):
            raise InvalidFilter(f"{op} takes one value after its field", at)
        values: tuple[Literal, ...] = ()
        if len(arguments) > 1:
            given = arguments[1]
            if not isinstance(given, _Given):
                raise InvalidFilter(f"{op} compares {field} with a value, not with a call", at)
            values = given.values
        elif op != "exists":
            raise InvalidFilter(f"{op} takes a field and a value", at)
        if field == "metadata":
            return _of_metadata(op, values, at)
        if field == "thread_id" and op != "like":
            values = tuple(as_kept(one) if isinstance(one, str) else one for one in values)
        found = Condition(field, op, values, _test(op, _KINDS[field], values, field, at))
        family = _FAMILY_OF.get(field)
        return Same(family, (found,)) if family and op in _SINGLE else found


# What one pair alone can be asked; the opposite is asked of all pairs of an item.
_SINGLE = tuple(op for op in _COMPARATORS if op != "exists")


def _joined(name: str, arguments: Sequence[Any], at: int) -> Node:
    items = [one for one in arguments if not isinstance(one, _Given | _Name)]
    if len(items) != len(arguments) or not items:
        raise InvalidFilter(f"{name} takes conditions", at)
    if name == "not":
        if len(items) != 1:
            raise InvalidFilter("not takes one condition", at)
        return Not(items[0])
    if name == "or":
        return items[0] if len(items) == 1 else AnyOf(tuple(items))
    items = _bound(items)
    return items[0] if len(items) == 1 else AllOf(tuple(items))


def _bound(items: Sequence[Node]) -> list[Node]:
    """Return the conditions of one `and` with those of keys and values bound to one pair.

    Of several keys each begins a pair of its own; where a value comes first, each key ends one.
    """
    others: list[Node] = []
    by_family: dict[str, list[Node]] = {}
    for item in items:
        family = _only_family(item)
        if family is None:
            others.append(item)
        else:
            by_family.setdefault(family, []).append(item)
    for family, parts in by_family.items():
        others += [Same(family, tuple(_unbound(one) for one in some)) for some in _groups(parts)]
    return others


def _groups(parts: Sequence[Node]) -> list[list[Node]]:
    key_first = _is_key(parts[0])
    groups: list[list[Node]] = [[]]
    for part in parts:
        has_key = any(_is_key(one) for one in groups[-1])
        begins = _is_key(part) if key_first else not _is_key(part)
        if groups[-1] and has_key and begins:
            groups.append([])
        groups[-1].append(part)
    return groups


def _is_key(node: Node) -> bool:
    return any(leaf.field in _KEYS for leaf in _leaves(node))


def _leaves(node: Node) -> Iterator[Condition]:
    match node:
        case Condition():
            yield node
        case Not(one):
            yield from _leaves(one)
        case AnyOf(items) | AllOf(items) | Same(_, items):
            for one in items:
                yield from _leaves(one)


def _only_family(node: Node) -> str | None:
    """Return the family whose parts alone a node asks; None for one that has pairs of its own."""
    match node:
        case Same(family, (Condition(),)):
            return family
        case Not(one):
            return _only_family(one)
        case AnyOf(items):
            families = {_only_family(one) for one in items}
            return families.pop() if len(families) == 1 else None
        case _:
            return None


def _unbound(node: Node) -> Node:
    match node:
        case Same(_, (only,)):
            return only
        case Not(one):
            return Not(_unbound(one))
        case AnyOf(items):
            return AnyOf(tuple(map(_unbound, items)))
        case _:
            return node


def _of_metadata(op: str, values: Sequence[Literal], at: int) -> Node:
    """Return what `has(metadata, '{"k": "v"}')` and `exists(metadata, "k")` mean: pairs."""
    given = values[0] if values else None
    if op == "exists":
        if values and not isinstance(given, str):
            raise InvalidFilter('write exists(metadata, "key")', at)
        key = (_plain("metadata_key", "eq", given, at),) if values else ()
        return Same("metadata", key)
    if op != "has" or not isinstance(given, str):
        raise InvalidFilter("""write has(metadata, '{"key": "value"}')""", at)
    wanted = _json_object(given, at)
    if wanted is None:
        return Same("metadata", (_plain("metadata_key", "eq", given, at),))
    pairs = tuple(
        Same(
            "metadata",
            (_plain("metadata_key", "eq", key, at), _plain("metadata_value", "eq", value, at)),
        )
        for key, value in wanted.items()
    )
    return pairs[0] if len(pairs) == 1 else AllOf(pairs)


def _plain(field: str, op: str, value: Literal, at: int) -> Condition:
    return Condition(field, op, (value,), _test(op, _KINDS[field], (value,), field, at))


def _json_object(text: str, at: int) -> Mapping[str, Literal] | None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict) or len(found) > CONDITIONS_MAX:
        return None
    try:
        check_json(text.encode(), depth_max=DEPTH_MAX)
    except JsonTooLarge as error:
        raise InvalidFilter(str(error), at) from None
    return {key: _json_literal(value) for key, value in found.items()}


def _json_literal(value: Any) -> Literal:
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _test(
    op: str, kind: str, literals: Sequence[Literal], field: str, at: int
) -> Callable[[Value], bool]:
    """Return whether one known value holds against the literals.

    Raises:
        InvalidFilter: the field cannot be compared so.
    """
    if op == "exists":
        return lambda value: True
    convert = _CONVERT[kind]
    wanted = []
    for literal in literals:
        if literal is None:
            continue
        converted = convert(literal)
        if converted is None:
            raise InvalidFilter(f"{field} cannot be compared with {str(literal)[:40]!r}", at)
        wanted.append(converted)
    if op == "like":
        patterns = [Like(str(one)) for one in wanted]
        return lambda value: any(one.holds(_text(value)) for one in patterns)
    if op == "has" and kind == "text" and field not in ("tags", "tag"):
        return lambda value: any(str(one) in _text(value) for one in wanted)
    if op in ("eq", "neq", "in", "not_in", "has"):
        return lambda value: any(_equal(kind, value, one) for one in wanted)
    if len(wanted) != 1:
        raise InvalidFilter(f"{op} takes one value that is not null", at)
    compare = _ORDER[op]
    return lambda value: _ordered(compare, convert, value, wanted[0])


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def _ordered(
    compare: Callable[[Any, Any], bool],
    convert: Callable[[Any], Any],
    value: Value,
    wanted: Any,
) -> bool:
    mine = convert(value)
    if type(mine) is not type(wanted):
        number = _number(value)
        mine, wanted = (number, wanted) if isinstance(wanted, float) else (_text(value), wanted)
    if mine is None or type(mine) is not type(wanted):
        return False
    return compare(mine, wanted)


def _equal(kind: str, value: Value, wanted: Any) -> bool:
    mine = _CONVERT[kind](value)
    if mine == wanted and type(mine) is type(wanted):
        return True
    return kind == "loose" and _text(value) == _text(wanted)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _seconds(value: Any) -> float | None:
    if isinstance(value, str) and (found := re.fullmatch(r"(-?[\d.]+)\s*(ms|s|m|h|d)", value)):
        number = _number(found[1])
        return None if number is None else number * _UNITS_S[found[2]]
    return _number(value)


def _time(value: Any) -> datetime.datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime.datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)


def _text(value: Any) -> str:
    """Return a value as it stands in JSON, without quotes: values are compared as texts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def _loose(value: Any) -> Any:
    return _number(value) if isinstance(value, int | float) else _text(value)


def _boolean(value: Any) -> bool | None:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value if isinstance(value, bool) else None


_CONVERT: Mapping[str, Callable[[Any], Any]] = {
    "id": lambda value: _text(value).lower(),
    "text": _text,
    "word": lambda value: _text(value).lower(),
    "time": _time,
    "seconds": _seconds,
    "number": _number,
    "boolean": _boolean,
    "loose": _loose,
}


def _literal(token: Token) -> Literal:
    text, at = str(token), token.start_pos or 0
    match token.type:
        case "STRING":
            return _unquoted(text)
        case "CONSTANT":
            return {"true": True, "false": False}.get(text.lower())
        case "NUMBER":
            number = float(text)
            if not math.isfinite(number):
                raise InvalidFilter(f"{text:.40} is no finite number", at)
            return number
        case "TIME":
            time = _time(text)
            if time is None:
                raise InvalidFilter(f"{text:.40} is no time", at)
            return time
        case _:
            return text  # a duration: the field says what it means


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def _unquoted(text: str) -> str:
    """Return what a quoted string means, with the escapes of JSON."""

    def plain(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[2], found[2])

    whole = re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", plain, text[1:-1], flags=re.DOTALL)
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _depth(node: Node) -> int:
    match node:
        case Not(item):
            return 1 + _depth(item)
        case AllOf(items) | AnyOf(items) | Same(_, items):
            return 1 + max(map(_depth, items), default=0)
        case _:
            return 0
