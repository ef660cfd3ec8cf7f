"""Turns of a thread out of the parts that its traces hold of them. Pure.

Where every model request is a trace of its own, a tool's result comes back in the next trace:
that trace continues the turn before it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from otel_threads.derive.facts import Usage, total
from otel_threads.derive.messages import mark, result_value
from otel_threads.model import USAGE

Row = dict[str, Any]


def order(part: Row) -> tuple[int, str, int]:
    """Return the total order of parts within a thread."""
    return part["start_time_unix_nano"], part["trace_id"], part["part_index"]


def merge(parts: Iterable[Row], *, across: bool = True) -> list[Row]:
    """Return turns, oldest first, without their index; `across` joins parts of several traces."""
    turns: list[Row] = []
    for part in sorted(parts, key=order):
        if across and turns and _continues(part, turns[-1]):
            _append(turns[-1], part)
        else:
            turns.append(_turn(part))
    for place in range(len(turns)):
        _tell_questions(turns, place)
    return turns


def _tell_questions(turns: Sequence[Row], place: int) -> None:
    """Give failed turns the question that the next turn's history shows and they do not.

    Some instrumentations write no input on a request that fails. The history of the next request
    has the question, unanswered, right before the new one.
    """
    for text in reversed(turns[place].get("unanswered", ())):
        place -= 1
        if place < 0 or turns[place]["user"] is not None or turns[place]["error"] is None:
            return
        turn = turns[place]
        turn["user"] = text
        turn["messages"] = [_question(text, turn["span_id"]), *turn["messages"]]


def _question(text: str, span_id: str) -> Row:
    return {"role": "user", "text": text, "span_id": span_id}


def _continues(part: Row, turn: Row) -> bool:
    if not part["continues"] or part["trace_id"] in turn["trace_ids"]:
        return False
    key = (part["user_message_count"], part["user_text"])
    if part["user_text"] is None:  # the provider keeps the history: only the tool's result is sent
        return turn["assistant"] is None and bool(turn["tool_calls"])
    return key == (turn["user_message_count"], turn["user_text"])


def _turn(part: Row) -> Row:
    turn = {**part, "trace_ids": [part["trace_id"]]}
    turn["tool_calls"] = [dict(call) for call in part["tool_calls"]]
    turn["messages"] = list(part["messages"])
    return turn


def _append(turn: Row, part: Row) -> None:
    seen = {_mark(message) for message in turn["messages"]}
    turn["messages"] += [message for message in part["messages"] if _mark(message) not in seen]
    _join_tools(turn["tool_calls"], part["tool_calls"])
    _join_results(turn["tool_calls"], part["messages"])
    turn["trace_ids"] = [*turn["trace_ids"], part["trace_id"]]
    turn["end_time_unix_nano"] = max(turn["end_time_unix_nano"], part["end_time_unix_nano"])
    for name in ("assistant", "error"):
        turn[name] = part[name]
    for name in ("user", "system", "time_to_first_token_ms"):
        if turn[name] is None:
            turn[name] = part[name]
    for name in ("call_count", "span_count"):
        turn[name] += part[name]
    for name in ("models", "providers"):
        turn[name] = sorted({*turn[name], *part[name]})
    turn |= total(Usage(*(row[name] for name in USAGE)) for row in (turn, part)).counts()
    _add_cost(turn, part)


def _add_cost(turn: Row, part: Row) -> None:
    costs = [row["cost_usd"] for row in (turn, part) if row["cost_usd"] is not None]
    sources = {row["cost_source"] for row in (turn, part) if row["cost_source"]}
    turn["cost_is_partial"] = (
        turn["cost_is_partial"]
        or part["cost_is_partial"]
        or (len(costs) == 1 and not part["error"])
    )
    turn["cost_usd"] = sum(costs) if costs else None
    turn["cost_source"] = None if not sources else sources.pop() if len(sources) == 1 else "mixed"


def _join_tools(have: list[Row], new: Sequence[Row]) -> None:
    """Fill in the results that came with the later trace; append calls that are new."""
    for call in new:
        same = next((one for one in have if _is_same(one, call)), None)
        if same is None:
            have.append(dict(call))
        else:
            for name in ("result", "error"):
                if same[name] is None:
                    same[name] = call[name]


def _join_results(calls: Sequence[Row], messages: Sequence[Row]) -> None:
    """Give calls without a result those that the history brings: by their id, else in order."""
    results = [
        part for message in messages if message["role"] == "tool" for part in message["parts"]
    ]
    by_id = {part["id"]: part for part in results if part["id"]}
    loose = [part for part in results if not part["id"]]
    for call in calls:
        if call["result"] is not None or call["error"] is not None:
            continue
        part = by_id.get(call["id"])
        if part is None and loose and loose[0]["name"] in (None, call["name"]):
            part = loose.pop(0)
        if part is not None:
            call["result"] = result_value(part["result"])


def _is_same(one: Row, other: Row) -> bool:
    if one.get("id") and other.get("id"):
        return bool(one["id"] == other["id"])
    return one["name"] == other["name"] and mark(one["arguments"]) == mark(other["arguments"])


def _mark(message: Row) -> str | bytes:
    asked = message.get("tool_calls", ())
    calls = [call["id"] or [call["name"], call["arguments"]] for call in asked]
    words = message.get("tool_call_id") or (message["text"] or "").strip()
    return mark([message["role"], words, calls])
