"""Makes SQL of a checked filter. Everything that a reader wrote becomes a bound parameter."""

from collections.abc import Callable, Sequence
from typing import Any, assert_never

import orjson

from otel_threads.core.filters import AllOf, AnyOf, Comparison, IsOneOf, Node, Not, comparisons

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
# What the scores of an item, or of a trace's spans, are grouped by, and which they are.
_SCORED = {
    ("threads", "score"): (
        ("project", "thread_id"),
        "s.trace_id is null and s.turn_index is null",
    ),
    ("traces", "score"): (("trace_id",), "true"),  # its spans' ones, too
    ("traces", "own_score"): (("trace_id",), "s.span_id is null"),
    ("traces", "span_score"): (("trace_id",), "s.span_id is not null"),
    ("spans", "score"): (("trace_id", "span_id"), "s.trace_id is not null"),
}
# The earliest trace of each thread, and the one that ended last.
_THREAD_TRACE = (
    "select project, thread_id, {0}(trace_id, {1}) as trace_id,"
    " {0}(root_span_id, {1}) as root_span_id from traces where thread_id is not null{2}"
    " group by project, thread_id"
)
# A trace of records that goes on has not ended, whatever its row says.
_ENDED = (
    " and (trace_id, root_span_id) not in (select (trace_id, span_id) from spans"
    " where attributes['otel_threads.record.in_progress'] = 'true')"
)
_PLACES = {
    "first_attribute": _THREAD_TRACE.format("arg_min", "(start_time_unix_nano, trace_id)", ""),
    "last_attribute": _THREAD_TRACE.format("arg_max", "(end_time_unix_nano, trace_id)", _ENDED),
}


class Compiler:
    """Turns one tree into a condition over threads, traces or spans and its parameters."""

    def __init__(self, item: str) -> None:
        """`item` is the name that the query gives the rows: `threads`, `traces` or `spans`."""
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
                return "(" + (" and ".join(map(self.condition, items)) or "true") + ")"
            case AnyOf(items):
                return "(" + (" or ".join(map(self.condition, items)) or "false") + ")"
            case IsOneOf(keys):
                return self._is_one_of(keys)
            case _:
                assert_never(node)

    def _is_one_of(self, keys: Sequence[tuple[str, str]]) -> str:
        bound = self._bind(orjson.dumps(keys).decode())
        return (
            "((threads.project, threads.thread_id) in (select (k[1], k[2]) from"  # noqa: S608  # a bound value
            f" (select unnest(from_json({bound}, '[[\"varchar\"]]')) as k)))"
        )

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
            case "score" | "span_score" | "own_score":
                return f"(not {self._score('true', leaf)})"
            case "attribute" | "first_attribute" | "last_attribute":
                return (
                    f"(not {self._attribute(f'{self._attribute_value(leaf)} is not null', leaf)})"
                )
            case "given_tag":
                return f"(not {self._given_tag('true')})"
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
            case "score" | "span_score" | "own_score":
                return self._score(self._any("", leaf, self._score_test), leaf)
            case "attribute" | "first_attribute" | "last_attribute":
                return self._attribute(
                    self._any(self._attribute_value(leaf), leaf, self._loose), leaf
                )
            case "given_tag":
                return self._given_tag(self._any("g.tag", leaf, self._test))
            case _:
                return f"coalesce({self._any(self._column(leaf), leaf, self._test)}, false)"

    def _any(self, subject: str, leaf: Comparison, test: Callable[[str, str, Any], str]) -> str:
        if leaf.ignores_case and subject and any(isinstance(one, str) for one in leaf.values):
            subject = f"lower({subject})"
        given = (_lower(value) if leaf.ignores_case else value for value in leaf.values)
        return "(" + " or ".join(test(subject, leaf.op, value) for value in given) + ")"

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
        keys, kind = _SCORED[self._item, leaf.type]
        mine, theirs = (", ".join(f"{of}.{key}" for key in keys) for of in (self._item, "s"))
        name = "lower(s.name)" if leaf.ignores_case else "s.name"
        key = _lower(leaf.key) if leaf.ignores_case else leaf.key
        return (
            f"coalesce(({mine}) in (select ({theirs}) from scores s"  # noqa: S608  # our names, bound values
            f" where {name} = {self._bind(key)} and {kind} and s.{keys[-1]} is not null"
            f" and s.superseded_at is null group by {theirs} having {test}), false)"
        )

    def _attribute(self, test: str, leaf: Comparison) -> str:
        """Return whether a span has an attribute whose text `v.value` holds the test."""
        if leaf.others:
            return self._own_attribute(test, leaf)
        bound = self._bind(leaf.field)
        found = (
            "select v.trace_id, v.span_id from (select trace_id, span_id,"  # noqa: S608  # our names, bound values
            f" attributes[{bound}] as value from spans where attributes[{bound}] is not null"
            " union all by name select trace_id, span_id, value from span_content"
            f" where key = {bound} and event_index is null) v where coalesce({test}, false)"
        )
        if self._item == "spans":
            return f"((spans.trace_id, spans.span_id) in ({found}))"
        if self._item == "traces":
            return f"((traces.trace_id, traces.root_span_id) in ({found}))"
        place = _PLACES[leaf.type]
        return (
            "((threads.project, threads.thread_id) in (select (e.project, e.thread_id) from"  # noqa: S608  # our names, bound values
            f" ({place}) e join ({found}) w on w.trace_id = e.trace_id"
            " and w.span_id = e.root_span_id))"
        )

    def _own_attribute(self, test: str, leaf: Comparison) -> str:
        """Return the same of a span in lists that have its short values, under any of its names."""
        names = [self._bind(name) for name in (leaf.field, *leaf.others)]
        short = ", ".join(f"spans.attributes[{name}]" for name in names)
        return (
            f"(exists (select 1 from (select unnest([{short}]) as value) v"  # noqa: S608  # our names, bound values
            f" where coalesce({test}, false)) or (spans.trace_id, spans.span_id) in ("
            "select (v.trace_id, v.span_id) from (select trace_id, span_id, value from span_content"
            f" where key in ({', '.join(names)}) and event_index is null) v"
            f" where coalesce({test}, false)))"
        )

    def _attribute_value(self, leaf: Comparison) -> str:
        if leaf.key is None:
            return "v.value"
        return f"json_extract_string(try_cast(v.value as json), {self._bind(leaf.key)})"

    def _given_tag(self, test: str) -> str:
        return (
            "((threads.project, threads.thread_id) in (select (g.project, g.thread_id)"  # noqa: S608  # our names, bound values
            f" from x_tag_changes g where g.thread_id is not null and not g.is_removed and {test}))"
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


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def compiled(node: Node, item: str) -> tuple[str, Parameters]:
    """Return a filter's condition and its parameters; `item`: `threads`, `traces` or `spans`."""
    compiler = Compiler(item)
    return compiler.condition(node), compiler.parameters


def fields(node: Node) -> set[str]:
    """Return the fields that a filter looks at."""
    return {leaf.field for leaf in comparisons(node)}
