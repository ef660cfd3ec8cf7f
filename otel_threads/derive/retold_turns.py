"""Turns told twice, by spans and by log records that stand alone: what the records add. Pure.

The numbers of a part that is told elsewhere are what is left of them already (retold.py); they are
added. Its words fill what the turn lacks; only the person's own words, which records have exactly,
come before those of a prompt that a span holds.
"""

from collections.abc import Sequence
from typing import cast

from otel_threads.core.trace_rows import PartRow, ToolCallRow, TurnRow
from otel_threads.derive.cost import cost_of, put_cost
from otel_threads.derive.family import Usage, total
from otel_threads.derive.messages import mark


def join_retold(turns: Sequence[TurnRow], parts: Sequence[PartRow]) -> list[TurnRow]:
    """Return turns with such parts in those that tell the same; one without such is a turn."""
    by_trace: dict[str, list[TurnRow]] = {}
    for turn in turns:
        for trace_id in turn["trace_ids"]:
            by_trace.setdefault(trace_id, []).append(turn)
    found = list(turns)
    for part in parts:
        near = [turn for trace_id in part["retold_by"] for turn in by_trace.get(trace_id, ())]
        if near:
            _join_into(max(near, key=lambda turn: _overlap(turn, part)), part)
        else:
            found.append(turn_of(part))
    return sorted(found, key=lambda turn: (turn["start_time_unix_nano"], turn["trace_ids"]))


def _overlap(turn: TurnRow, part: PartRow) -> tuple[int, int]:
    first = max(turn["start_time_unix_nano"], part["start_time_unix_nano"])
    last = min(turn["end_time_unix_nano"], part["end_time_unix_nano"])
    return last - first, -turn["start_time_unix_nano"]


def _join_into(turn: TurnRow, part: PartRow) -> None:
    if part["user"]:
        _say(turn, part["user"])
    if not turn["assistant"]:
        turn["assistant"] = part["assistant"]
        turn["error"] = turn["error"] or part["error"]
    roles = {"system", *(message["role"] for message in turn["messages"])}
    turn["messages"] += [told for told in part["messages"] if told["role"] not in roles]
    _join_tools(turn["tool_calls"], part["tool_calls"])
    if part["trace_id"] not in turn["trace_ids"]:
        turn["trace_ids"].append(part["trace_id"])
    turn["start_time_unix_nano"] = min(turn["start_time_unix_nano"], part["start_time_unix_nano"])
    turn["end_time_unix_nano"] = max(turn["end_time_unix_nano"], part["end_time_unix_nano"])
    add_facts(turn, part)
    put_cost(turn, [cost_of(turn), cost_of(part, is_nothing=True)])


def turn_of(part: PartRow) -> TurnRow:
    """Return a turn of one part, whose lists it shares."""
    return cast(TurnRow, {**part, "trace_ids": [part["trace_id"]]})


def add_facts(turn: TurnRow, part: PartRow) -> None:
    """Add to a turn what a part of it counts and names; its cost is left to the caller."""
    turn["call_count"] += part["call_count"]
    turn["span_count"] += part["span_count"]
    turn["models"] = sorted({*turn["models"], *part["models"]})
    turn["providers"] = sorted({*turn["providers"], *part["providers"]})
    total(map(Usage.of, (turn, part))).put(turn)
    if turn["system"] is None:
        turn["system"] = part["system"]
    if turn["time_to_first_token_ms"] is None:
        turn["time_to_first_token_ms"] = part["time_to_first_token_ms"]
    turn["is_truncated"] = bool(turn.get("is_truncated") or part.get("is_truncated"))


def _say(turn: TurnRow, words: str) -> None:
    """Put a person's exact words in the place of those that the turn has."""
    before, turn["user"] = turn["user"], words
    turn["messages"] = [
        {**message, "text": words}
        if message["role"] == "user" and before and message["text"] == before
        else message
        for message in turn["messages"]
    ]


def _join_tools(calls: list[ToolCallRow], told: Sequence[ToolCallRow]) -> None:
    """Fill in what calls lack: by id, else the first of that name; add those of other names."""
    named = {call["name"] for call in calls}
    left = list(calls)
    for one in told:
        same = next((call for call in left if one["id"] and call["id"] == one["id"]), None)
        same = same or next((call for call in left if _is_alike(call, one)), None)
        if same is None:
            if one["name"] not in named:
                calls.append(one.copy())
            continue
        left.remove(same)
        if same["arguments"] is None:
            same["arguments"] = one["arguments"]
        if same["result"] is None:
            same["result"] = one["result"]
        if same["error"] is None:
            same["error"] = one["error"]


def _is_alike(call: ToolCallRow, one: ToolCallRow) -> bool:
    if call["name"] != one["name"]:
        return False
    given = call["arguments"], one["arguments"]
    return None in given or mark(given[0]) == mark(given[1])
