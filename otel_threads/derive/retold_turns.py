"""Turns told twice, by spans and by log records that stand alone: what the records add. Pure.

The numbers of a part that is told elsewhere are what is left of them already (retold.py); they are
added. Its words fill what the turn lacks; only the person's own words, which records have exactly,
come before those of a prompt that a span holds.
"""

from collections.abc import Sequence
from typing import Any

from otel_threads.core.usage import USAGE
from otel_threads.derive.cost import cost_columns, cost_of
from otel_threads.derive.family import Usage, total
from otel_threads.derive.messages import mark

Row = dict[str, Any]


def fold(turns: Sequence[Row], parts: Sequence[Row]) -> list[Row]:
    """Return turns with such parts in those that tell the same; one without such is a turn."""
    by_trace: dict[str, list[Row]] = {}
    for turn in turns:
        for trace_id in turn["trace_ids"]:
            by_trace.setdefault(trace_id, []).append(turn)
    found = list(turns)
    for part in parts:
        near = [turn for trace_id in part["retold_by"] for turn in by_trace.get(trace_id, ())]
        if near:
            _fold_into(max(near, key=lambda turn: _overlap(turn, part)), part)
        else:
            found.append({**part, "trace_ids": [part["trace_id"]]})
    return sorted(found, key=lambda turn: (turn["start_time_unix_nano"], turn["trace_ids"]))


def _overlap(turn: Row, part: Row) -> tuple[int, int]:
    first = max(turn["start_time_unix_nano"], part["start_time_unix_nano"])
    last = min(turn["end_time_unix_nano"], part["end_time_unix_nano"])
    return last - first, -turn["start_time_unix_nano"]


def _fold_into(turn: Row, part: Row) -> None:
    if part["user"]:
        _say(turn, part["user"])
    if not turn["assistant"]:
        turn["assistant"] = part["assistant"]
        turn["error"] = turn["error"] or part["error"]
    for name in ("system", "time_to_first_token_ms"):
        if turn[name] is None:
            turn[name] = part[name]
    roles = {"system", *(message["role"] for message in turn["messages"])}
    turn["messages"] += [told for told in part["messages"] if told["role"] not in roles]
    _fold_tools(turn["tool_calls"], part["tool_calls"])
    if part["trace_id"] not in turn["trace_ids"]:
        turn["trace_ids"].append(part["trace_id"])
    turn["start_time_unix_nano"] = min(turn["start_time_unix_nano"], part["start_time_unix_nano"])
    turn["end_time_unix_nano"] = max(turn["end_time_unix_nano"], part["end_time_unix_nano"])
    turn["is_truncated"] = bool(turn.get("is_truncated") or part.get("is_truncated"))
    _add_numbers(turn, part)


def _add_numbers(turn: Row, part: Row) -> None:
    for name in ("call_count", "span_count"):
        turn[name] += part[name]
    for name in ("models", "providers"):
        turn[name] = sorted({*turn[name], *part[name]})
    turn |= total(Usage(*(row[name] for name in USAGE)) for row in (turn, part)).counts()
    turn |= cost_columns((cost_of(turn), cost_of(part, is_nothing=True)))


def _say(turn: Row, words: str) -> None:
    """Put a person's exact words in the place of those that the turn has."""
    before, turn["user"] = turn["user"], words
    turn["messages"] = [
        {**message, "text": words}
        if message["role"] == "user" and before and message["text"] == before
        else message
        for message in turn["messages"]
    ]


def _fold_tools(calls: list[Row], told: Sequence[Row]) -> None:
    """Fill in what calls lack: by id, else the first of that name; add those of other names."""
    named = {call["name"] for call in calls}
    left = list(calls)
    for one in told:
        same = next((call for call in left if one["id"] and call["id"] == one["id"]), None)
        same = same or next((call for call in left if _is_alike(call, one)), None)
        if same is None:
            if one["name"] not in named:
                calls.append(dict(one))
            continue
        left.remove(same)
        for name in ("arguments", "result", "error"):
            if same[name] is None:
                same[name] = one[name]


def _is_alike(call: Row, one: Row) -> bool:
    if call["name"] != one["name"]:
        return False
    given = call["arguments"], one["arguments"]
    return None in given or mark(given[0]) == mark(given[1])
