"""Filters by builtin scores: counts them over the threads that all else in the filter selects.

No rule has to have run. What was counted of a thread is kept until the thread changes.
"""

import operator
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from otel_threads.batches import batches
from otel_threads.core.errors import InvalidQuery, QueryTimeout
from otel_threads.core.filters import AllOf, Comparison, IsOneOf, Node, comparisons, mapped
from otel_threads.core.ports import ThreadKey
from otel_threads.core.turn import Turn as StoredTurn
from otel_threads.evaluate.builtin import BUILTINS
from otel_threads.evaluate.conversation import Conversation, Ranges, ToolCall, Turn
from otel_threads.store.read.list_query import THREADS, Selection
from otel_threads.store.read.reader import Reader
from otel_threads.store.read.stored_items import StoredThread

THREADS_MAX = 10_000  # that are counted for one filter, and whose scores are kept
TURNS_TOGETHER = 2_000  # that are read at once
SECONDS_MAX = 20.0
RANGES_S = 60.0
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "in": operator.eq,
    "not_in": operator.eq,
}
_NEGATIVE = ("!=", "not_in")


@dataclass(slots=True)
class _Counted:
    """What was counted of a thread as it was at a commit; None where a scorer says nothing."""

    sequence: int
    ranges: Ranges
    scores: dict[str, float | None] = field(default_factory=dict)


class BuiltinFilter:
    """Resolves comparisons of `builtin.NAME`. Any number of threads may share it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kept: dict[ThreadKey, _Counted] = {}
        self._ranges: dict[str, tuple[Ranges, float]] = {}

    def ranges(self, project: str) -> Ranges:
        """Return what is usual in a project, as of a minute ago."""
        known = self._ranges.get(project)
        if known is None or known[1] < time.monotonic() - RANGES_S:
            known = self._reader.ranges(project), time.monotonic()
            self._ranges[project] = known
        return known[0]

    def counted(self, selection: Selection) -> Selection:
        """Return a selection whose filter names the threads that builtin scores select.

        Raises:
            InvalidQuery: all else in it selects more than THREADS_MAX threads.
            QueryTimeout: to count takes too long.
        """
        tree = selection.filter
        if tree is None or not (names := _names(tree)):
            return selection
        rest = replace(selection, filter=_rest(tree))
        found = self._reader.count(THREADS, rest)
        if found > THREADS_MAX:
            raise InvalidQuery(
                f"builtin.{min(names)} is counted over {THREADS_MAX} threads at most, and without "
                f"it {found} are selected: narrow by time, or by another field joined by and"
            )
        threads = self._reader.threads(rest, sort=None, limit=THREADS_MAX)
        scores = self._scores(threads, names)

        def matching(leaf: Comparison) -> Node:
            if leaf.type != "builtin":
                return leaf
            return IsOneOf(
                tuple(key for key, of in scores.items() if _holds(leaf, of[leaf.key or ""]))
            )

        return replace(selection, filter=mapped(tree, matching))

    def _scores(
        self, threads: Sequence[StoredThread], names: Iterable[str]
    ) -> Mapping[ThreadKey, Mapping[str, float | None]]:
        until = time.monotonic() + SECONDS_MAX
        found = {one.key: self._known(one) for one in threads}
        missing = [one for one in threads if not found[one.key].scores.keys() >= set(names)]
        for together in batches(missing, lambda one: one.turn_count, weight_max=TURNS_TOGETHER):
            if time.monotonic() > until:
                raise QueryTimeout(
                    f"to count builtin scores took more than {SECONDS_MAX:g} s: narrow by time, "
                    "or ask again: what was counted is kept"
                )
            turns = self._reader.turns_of(together, with_messages=False)
            for one in together:
                known = found[one.key]
                conversation = _conversation(one, turns.get(one.key, ()), known.ranges)
                for name in names:
                    scored = BUILTINS[name].score(conversation)
                    known.scores[name] = scored[0].value if scored else None
                self._kept.pop(one.key, None)
                self._kept[one.key] = known
        for key in list(self._kept)[: max(0, len(self._kept) - THREADS_MAX)]:
            self._kept.pop(key, None)
        return {key: known.scores for key, known in found.items()}

    def _known(self, thread: StoredThread) -> _Counted:
        """Return what still holds of what was counted of a thread."""
        ranges = self.ranges(thread.project)
        known = self._kept.get(thread.key)
        if known is None or known.sequence != thread.last_sequence:
            return _Counted(thread.last_sequence, ranges)
        scores = {
            name: value
            for name, value in known.scores.items()
            if known.ranges == ranges or not BUILTINS[name].uses_ranges
        }
        return _Counted(thread.last_sequence, ranges, scores)


def _names(tree: Node) -> set[str]:
    return {leaf.key for leaf in comparisons(tree) if leaf.type == "builtin" and leaf.key}


def _rest(tree: Node) -> Node | None:
    """Return what has to hold beside builtin scores."""
    items = tree.items if isinstance(tree, AllOf) else (tree,)
    return AllOf(tuple(item for item in items if not _names(item)))


def _holds(leaf: Comparison, score: float | None) -> bool:
    if leaf.op in ("is_null", "is_not_null"):
        return (score is None) == (leaf.op == "is_null")
    compared = _COMPARED[leaf.op]
    found = score is not None and any(
        compared(score, value) for value in leaf.values if isinstance(value, float)
    )
    return found != (leaf.op in _NEGATIVE)


def _conversation(
    thread: StoredThread, turns: Sequence[StoredTurn], ranges: Ranges
) -> Conversation:
    return Conversation(
        project=thread.project,
        thread_id=thread.thread_id,
        turns=tuple(map(_turn, turns)),
        cost_usd=thread.cost_usd,
        ranges=ranges,
    )


def _turn(turn: StoredTurn) -> Turn:
    error = turn.error
    return Turn(
        index=turn.turn_index,
        user=turn.user or None,
        assistant=turn.assistant or None,
        error=None if error is None else (error.type or error.message or "error"),
        tool_calls=tuple(
            ToolCall(
                name=call.name or None,
                arguments=call.arguments,
                result=None,
                error=None if call.error is None else "error",
            )
            for call in turn.tool_calls
        ),
        messages=(),
        duration_ms=turn.duration_ms,
        cost_usd=turn.cost_usd,
    )
