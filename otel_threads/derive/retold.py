"""What log records that stand alone add to what spans of the same conversation tell. Pure.

A coding agent may send both: spans, and records that name no span. Each turn is told twice then.
Spans come first; after them records that tell a person's prompts; last those of requests alone.
Who comes later keeps of its numbers what is left when those of the earlier are taken off: thoughts
that no span counts, a request whose span never came. Its words fill what the turn lacks (merge.py).

Times decide which turns are the same: the earlier's belongs to that of the later's turns that it
overlaps most.

Traces that only fetch an answer which was asked for in the background tell it again, too: each time
that somebody polls. Whose answer it is says its id.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from otel_threads.core.model import TraceRows
from otel_threads.core.trace_rows import CallRow, PartRow, SumsRow
from otel_threads.core.usage import USAGE
from otel_threads.derive.cost import cost_of, put_cost
from otel_threads.derive.family import Usage, total

# Between a prompt's record and the span of the request that it leads to, and after a span's end.
GAP_NS = 2 * 10**9
FETCHED = 3  # the rank of traces that only fetch answers; of these the first comes first
WAIT_MAX_NS = 24 * 3600 * 10**9  # for an answer that is fetched
SPENT = (*USAGE, "cost_usd", "call_count")
COST_MIN_USD = 1e-12  # what is less is a rest of subtraction
Numbers = dict[str, Any]  # SPENT of a part, by names that no type checker knows
Thread = tuple[str, str]  # project, thread_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Turns of a thread that are told earlier, between two times, by traces of a lower rank."""

    project: str
    thread_id: str
    first_unix_nano: int
    last_unix_nano: int


Stored = Callable[[Sequence[Wanted]], Iterable[PartRow]]


def settle(traces: Sequence[TraceRows], stored: Stored) -> None:
    """Take off the rows of records what spans tell, too; `stored` returns parts of other traces."""
    late = sorted((trace for trace in traces if _threads(trace)), key=_order)
    if not late:
        return
    told: dict[Thread, list[PartRow]] = {}
    mine = (part for trace in traces for part in trace.parts)
    for part in (*stored([one for trace in late for one in _wanted(trace)]), *mine):
        if (thread_id := part["thread_id"]) is not None:
            told.setdefault((part["project"], thread_id), []).append(part)
    for trace in late:
        _yield(trace, told)


def _order(trace: TraceRows) -> tuple[int, int]:
    return trace.record_rank, trace.first_unix_nano


def _threads(trace: TraceRows) -> set[Thread]:
    if not trace.record_rank:
        return set()
    return {
        (part["project"], thread_id)
        for part in trace.parts
        if (thread_id := part["thread_id"]) is not None
    }


def _wanted(trace: TraceRows) -> Iterable[Wanted]:
    for project, thread_id in _threads(trace):
        own = [part for part in trace.parts if _thread(part) == (project, thread_id)]
        yield Wanted(
            project=project,
            thread_id=thread_id,
            first_unix_nano=min(part["start_time_unix_nano"] for part in own) - before_ns(trace),
            last_unix_nano=max(part["end_time_unix_nano"] for part in own) + GAP_NS,
        )


def before_ns(trace: TraceRows) -> int:
    """Return how long before a trace what it tells again may have been told."""
    return WAIT_MAX_NS if trace.record_rank == FETCHED else GAP_NS


def _yield(trace: TraceRows, told: Mapping[Thread, Sequence[PartRow]]) -> None:
    twice: dict[int, list[PartRow]] = {}
    for thread in _threads(trace):
        own = [part for part in trace.parts if _thread(part) == thread]
        for other in told.get(thread, ()):
            if not _comes_before(other, trace):
                continue
            same = (
                _same_answer(other, own) if trace.record_rank == FETCHED else _same_turn(other, own)
            )
            if same is not None:
                twice.setdefault(same["part_index"], []).append(other)
    if not twice and not any(part.get("told") for part in trace.parts):
        return
    for part in trace.parts:
        _take_off(part, twice.get(part["part_index"], ()))
    retold = [part for part in trace.parts if part["retold_by"]]
    trace.calls = [call for call in trace.calls if not any(_is_of(call, part) for part in retold)]
    for row in (trace.trace, *trace.slices):
        _sum_up(row, trace.parts)


def _comes_before(other: PartRow, trace: TraceRows) -> bool:
    rank = other.get("record_rank", 0)
    if rank != trace.record_rank:
        return bool(rank < trace.record_rank)
    first = min((part["start_time_unix_nano"], part["trace_id"]) for part in trace.parts)
    return rank == FETCHED and (other["start_time_unix_nano"], other["trace_id"]) < first


def _same_answer(other: PartRow, own: Sequence[PartRow]) -> PartRow | None:
    """Return the turn that fetches an answer which another one asked for, or fetched before."""
    told = set(other.get("response_ids", ()))
    return next((part for part in own if told & set(part["response_ids"])), None)


def _same_turn(other: PartRow, own: Sequence[PartRow]) -> PartRow | None:
    """Return the turn that another one tells, too: that which it overlaps most, else is nearest."""
    close = [part for part in own if _overlap(part, other) >= -GAP_NS]
    return max(
        close,
        key=lambda part: (
            _overlap(part, other),
            -abs(part["start_time_unix_nano"] - other["start_time_unix_nano"]),
        ),
        default=None,
    )


def _overlap(one: PartRow, other: PartRow) -> int:
    """Return how long two ran together, in nanoseconds; below 0: how much lies between them."""
    ends = min(one["end_time_unix_nano"], other["end_time_unix_nano"])
    return int(ends - max(one["start_time_unix_nano"], other["start_time_unix_nano"]))


def _take_off(part: PartRow, others: Sequence[PartRow]) -> None:
    """Leave of a part's numbers what none of the others counts. Done again, it is the same."""
    own, taken = cast(Numbers, part), cast(Sequence[Numbers], others)
    told = part.setdefault("told", {name: own[name] for name in SPENT})
    part["retold_by"] = sorted({other["trace_id"] for other in others})
    for name in SPENT:
        own[name] = _left(name, told[name], [other[name] for other in taken])
    if others and part["cost_usd"] is None:
        part["cost_source"], part["cost_is_partial"] = None, False


def _left(name: str, own: Any, others: Sequence[Any]) -> Any:
    counted = [one for one in others if one is not None]
    if own is None or not counted:
        return own
    left = own - sum(counted)
    if name == "call_count":
        return max(0, left)
    return left if left > (COST_MIN_USD if name == "cost_usd" else 0) else None


def _is_of(call: CallRow, part: PartRow) -> bool:
    start: int = call["start_time_unix_nano"]
    return bool(part["start_time_unix_nano"] <= start <= part["end_time_unix_nano"])


def _sum_up(row: SumsRow, parts: Sequence[PartRow]) -> None:
    """Make the sums of a trace of records those of its parts again."""
    total(map(Usage.of, parts)).put(row)
    costs = [cost_of(part, is_nothing=bool(part["error"] or part["retold_by"])) for part in parts]
    put_cost(row, costs)
    row["call_count"] = sum(part["call_count"] for part in parts)
    if all(part["retold_by"] for part in parts):
        row["error_count"] = 0


def _thread(part: PartRow) -> tuple[str, str | None]:
    return part["project"], part["thread_id"]
