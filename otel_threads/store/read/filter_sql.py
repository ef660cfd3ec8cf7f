"""Makes SQL of a checked filter. Everything that a reader wrote becomes a bound parameter."""

from collections.abc import Callable
from typing import Any, assert_never

from otel_threads.core.filters import AllOf, AnyOf, Comparison, Node, Not

Parameters = dict[str, Any]
# Field → the scalar or list that it names, where that is not a column of the same name.
_ORDER = {"=": "=", "!=": "=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
_MATCH = {
    "contains": "contains(lower({0}), lower({1}))",
    "not_contains": "contains(lower({0}), lower({1}))",
    "starts_with": "starts_with(lower({0}), lower({1}))",
    "ends_with": "ends_with(lower({0}), lower({1}))",
}
_ANYWHERE = ("contains", "not_contains")
_NEGATIVE = ("!=", "not_in", "not_contains")


class Compiler:
    """Turns one tree into a condition over `threads` or `traces` and its parameters."""

    def __init__(self, item: str) -> None:
        """`item` is the name that the query gives the rows: `threads` or `traces`."""
        self._item = item
        self.parameters: Parameters = {}

    def condition(self, node: Node) -> str:
        """Return SQL that is true or false, never null."""
        match node:
            case Comparison():
                return self._comparison(node)
            case Not(item):
                return f"(not {self.condition(item)})"
            case AllOf(items):
                return "(" + " and ".join(map(self.condition, items)) + ")"
            case AnyOf(items):
                return "(" + " or ".join(map(self.condition, items)) + ")"
            case _:
                assert_never(node)

    def _bind(self, value: Any) -> str:
        name = f"f{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

    def _comparison(self, leaf: Comparison) -> str:
        if leaf.op == "is_not_null":
            return f"(not {self._is_null(leaf)})"
        if leaf.op == "is_null":
            return self._is_null(leaf)
        found = self._holds(leaf)
        return f"(not {found})" if leaf.op in _NEGATIVE else found

    def _is_null(self, leaf: Comparison) -> str:
        match leaf.type:
            case "list":
                return f"(coalesce(len({self._item}.{leaf.field}), 0) = 0)"
            case "map":
                return f"({self._map_value(leaf)} is null)"
            case "score" if leaf.field == "turn_scores":
                given = f"s.{leaf.part} is not null" if leaf.part else "true"
                return f"(not {self._turn_score(given, leaf)})"
            case "score":
                return f"(not {self._score('true', leaf)})"
            case _:
                return f"({self._column(leaf)} is null)"

    def _holds(self, leaf: Comparison) -> str:
        """Return the positive form: some value of the field matches some value given."""
        match leaf.type:
            case "list":
                test = self._any("x", leaf, self._test)
                return (
                    f"coalesce(list_bool_or(list_transform({self._item}.{leaf.field},"
                    f" lambda x: {test})), false)"
                )
            case "message":
                # Words may stand anywhere in a long message; the other tests see its beginning.
                source = "message_texts" if leaf.op in _ANYWHERE else "messages"
                return self._message(self._any("m.text", leaf, self._test), source)
            case "map":
                return f"coalesce({self._any(self._map_value(leaf), leaf, self._loose)}, false)"
            case "score" if leaf.field == "turn_scores":
                part = leaf.part or "mean"
                return self._turn_score(self._any(part, leaf, self._turn_score_test), leaf)
            case "score":
                return self._score(self._any("", leaf, self._score_test), leaf)
            case _:
                return f"coalesce({self._any(self._column(leaf), leaf, self._test)}, false)"

    def _any(self, subject: str, leaf: Comparison, test: Callable[[str, str, Any], str]) -> str:
        return "(" + " or ".join(test(subject, leaf.op, value) for value in leaf.values) + ")"

    def _test(self, subject: str, op: str, value: Any) -> str:
        bound = self._bind(value)
        if op in _MATCH:
            return _MATCH[op].format(subject, bound)
        return f"{subject} {_ORDER.get(op, '=')} {bound}"

    def _loose(self, subject: str, op: str, value: Any) -> str:
        """Metadata are texts: compared with a number, they are read as one."""
        if isinstance(value, bool):
            return self._test(f"lower({subject})", op, "true" if value else "false")
        if isinstance(value, float):
            return self._test(f"try_cast({subject} as double)", op, value)
        return self._test(subject, op, value)

    def _turn_score(self, test: str, leaf: Comparison) -> str:
        return (
            "coalesce((threads.project, threads.thread_id) in (select (s.project, s.thread_id)"  # noqa: S608  # our names, bound values
            f" from turn_scores s where s.name = {self._bind(leaf.key)} and {test}), false)"
        )

    def _turn_score_test(self, part: str, op: str, value: Any) -> str:
        if isinstance(value, float):
            return self._test(f"s.{part}", op, value)
        test = self._test("c", op, value)
        return (
            "coalesce(list_bool_or(list_transform(map_keys(s.categories),"
            f" lambda c: {test})), false)"
        )

    def _score_test(self, _: str, op: str, value: Any) -> str:
        if isinstance(value, float):
            return self._test("round(avg(s.value), 12)", op, value)
        return f"coalesce(bool_or({self._test('s.category', op, value)}), false)"

    def _score(self, test: str, leaf: Comparison) -> str:
        target = "s.thread_id" if self._item == "threads" else "s.trace_id"
        kind = "s.trace_id is null and s.turn_index is null" if self._item == "threads" else "true"
        project = "s.project, " if self._item == "threads" else ""
        mine = f"{self._item}.project, " if self._item == "threads" else ""
        mine += f"{self._item}.{target[2:]}"
        return (
            f"coalesce(({mine}) in (select ({project}{target}) from scores s"  # noqa: S608  # our names, bound values
            f" where s.name = {self._bind(leaf.key)} and {kind} and {target} is not null"
            f" and s.superseded_at is null group by {project}{target} having {test}), false)"
        )

    def _message(self, test: str, source: str) -> str:
        if self._item == "threads":
            return (
                "((threads.project, threads.thread_id) in (select (m.project, m.thread_id)"  # noqa: S608  # our names, bound values
                f" from {source} m where m.thread_id is not null and coalesce({test}, false)))"
            )
        return (
            "((traces.project, traces.trace_id) in (select (t.project, unnest(t.trace_ids))"  # noqa: S608  # our names, bound values
            f" from turns t semi join (select * from {source} m where"
            f" coalesce({test}, false)) m on m.project = t.project and m.trace_id = t.trace_id"
            " and m.turn_index = t.turn_index and m.thread_id is not distinct from t.thread_id))"
        )

    def _map_value(self, leaf: Comparison) -> str:
        return f"{self._item}.{leaf.field}[{self._bind(leaf.key)}]"

    def _column(self, leaf: Comparison) -> str:
        return f"{self._item}.{leaf.key if leaf.field == 'usage' else leaf.field}"


def compiled(node: Node, item: str) -> tuple[str, Parameters]:
    """Return a filter's condition and its parameters; `item` is `threads` or `traces`."""
    compiler = Compiler(item)
    return compiler.condition(node), compiler.parameters


def fields(node: Node) -> set[str]:
    """Return the fields that a filter looks at."""
    match node:
        case Comparison():
            return {node.field}
        case Not(item):
            return fields(item)
        case AllOf(items) | AnyOf(items):
            return set().union(*map(fields, items))
        case _:
            assert_never(node)
