"""Which thread a trace without an id belongs to when it brings a tool's result. Pure.

Where every model request is a trace of its own, the id may stand on the first request alone. The
request that brings the result continues the turn in which a model asked for the tool.
Source: docs/conventions.md, section "Precedence", the last rule.
"""

import bisect
import hashlib
from collections.abc import Callable, Iterable, Sequence

from otel_threads.core.model import TraceRows
from otel_threads.core.trace_rows import LinkedTurn, LinkRow
from otel_threads.derive.turns import TurnPart

SOURCE = "gen_ai.tool.call.id"  # what `thread_id_source` says then
CHAIN_SOURCE = "gen_ai.request.previous_response.id"  # or this
RESPONSE = "response:"  # before the id of an answer: no tool call has such an id
WAIT_MAX_NS = 24 * 3600 * 10**9  # a result that comes later starts a conversation of its own
LINKS_MAX = 1000  # of one trace
# Requests that ask for one and the same tool call: a sender's numbering, and no id, above it.
ASKERS_MAX = 1000
ToolCall = tuple[str, str]  # project, tool_call_id
Askers = Callable[[Sequence[ToolCall], int, int], Iterable[LinkRow]]


def links(
    parts: Sequence[TurnPart], project: str, trace_id: str, *, has_thread: bool
) -> list[LinkRow]:
    """Return a row per tool call that the trace leaves open, and per result that it brings.

    Results only where the trace has no thread: there they may tell which.
    """
    found: list[LinkRow] = []
    for i, part in enumerate(parts):
        is_lost = i == 0 and not has_thread
        answers = part.answers if is_lost else []
        previous = part.previous_responses if is_lost else []
        if not (part.asked or answers or previous or part.responses):
            continue
        about: LinkedTurn = {
            "project": project,
            "trace_id": trace_id,
            "start_time_unix_nano": part.start_unix_nano,
            "thread_id": part.found.thread_id if part.found else None,
            "turn_key": _turn_key(*part.key),
        }
        found += [{**about, "tool_call_id": one, "is_answer": True} for one in answers]
        found += [{**about, "tool_call_id": one, "is_answer": False} for one in part.asked]
        # A chain of responses, as the last resort: whatever the turn, there is one such answer.
        chained: LinkedTurn = {**about, "turn_key": None}
        found += [
            {**chained, "tool_call_id": f"{RESPONSE}{one}", "is_answer": True} for one in previous
        ]
        found += [
            {**chained, "tool_call_id": f"{RESPONSE}{one}", "is_answer": False}
            for one in part.responses
        ]
    return found[:LINKS_MAX]


def _turn_key(user_message_count: int, user_text: str | None) -> str | None:
    """Return what two requests of one turn have in common; None: the provider keeps the history."""
    if user_text is None:
        return None
    words = hashlib.blake2b(user_text.encode("utf-8", "replace"), digest_size=12).hexdigest()
    return f"{user_message_count}:{words}"


def join(traces: Sequence[TraceRows], stored: Askers) -> None:
    """Put traces without an id into the thread whose model asked for the result that they bring.

    `stored` returns link rows of other traces that asked, given tool calls and bounds of their
    start. Only earlier requests count, and only when all of them are of one thread: ids like
    `call_1` must not bring strangers together. So the outcome hangs on which spans arrived alone.
    """
    waiting = [link for trace in traces for link in trace.links if link["is_answer"]]
    if not waiting:
        return
    asked: dict[ToolCall, list[LinkRow]] = {}
    starts = [link["start_time_unix_nano"] for link in waiting]
    for row in stored(
        sorted({_tool_call(link) for link in waiting}), min(starts) - WAIT_MAX_NS, max(starts)
    ):
        asked.setdefault(_tool_call(row), []).append(row)
    for rows in asked.values():
        rows.sort(key=_order)
    linked = [trace for trace in traces if trace.links]
    for trace in sorted(linked, key=lambda trace: min(map(_order, trace.links))):
        answers = [link for link in trace.links if link["is_answer"]]
        if answers:
            is_chain = answers[0]["tool_call_id"].startswith(RESPONSE)
            source = CHAIN_SOURCE if is_chain else SOURCE
            _label(trace, _thread(answers, asked), source)
        for link in trace.links:
            if not link["is_answer"] and link["thread_id"] is not None:
                bisect.insort(asked.setdefault(_tool_call(link), []), link, key=_order)


def _thread(answers: Iterable[LinkRow], asked: dict[ToolCall, list[LinkRow]]) -> str | None:
    """Return the one thread that asked, None where none or several did, or far too many times.

    Ten thousand results of `call_1` beside ten thousand requests for it would be compared a hundred
    million times.
    """
    threads: set[str] = set()
    for answer in {_tool_call(answer): answer for answer in answers}.values():
        askers = asked.get(_tool_call(answer), [])
        earliest = (answer["start_time_unix_nano"] - WAIT_MAX_NS, "")
        first = bisect.bisect_left(askers, earliest, key=_order)
        behind = bisect.bisect_left(askers, _order(answer), lo=first, key=_order)
        if behind - first > ASKERS_MAX:
            return None
        threads |= {
            thread_id
            for asker in askers[first:behind]
            if (thread_id := asker["thread_id"]) is not None
            if None in (keys := (answer["turn_key"], asker["turn_key"])) or keys[0] == keys[1]
        }
    return threads.pop() if len(threads) == 1 else None


def _label(trace: TraceRows, thread_id: str | None, told_by: str) -> None:
    """Write the thread, or that there is none, on all rows of a trace without an id of its own."""
    source = told_by if thread_id is not None else None
    trace.trace["thread_ids"] = [] if thread_id is None else [thread_id]
    for whole in (trace.trace, *trace.slices):
        whole["thread_id"], whole["thread_id_source"] = thread_id, source
    for row in (*trace.calls, *trace.parts, *trace.links):
        row["thread_id"] = thread_id


def _tool_call(link: LinkRow) -> ToolCall:
    return link["project"], link["tool_call_id"]


def _order(link: LinkRow) -> tuple[int, str]:
    return link["start_time_unix_nano"], link["trace_id"]
