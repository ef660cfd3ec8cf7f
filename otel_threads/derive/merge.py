"""Turns of a thread out of the parts that its traces hold of them. Pure.

Where every model request is a trace of its own, a tool's result comes back in the next trace:
that trace continues the turn before it.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from otel_threads.core.trace_rows import MessageRow, PartPlace, PartRow, ToolCallRow, TurnRow
from otel_threads.derive.cost import cost_of, put_cost
from otel_threads.derive.messages import mark
from otel_threads.derive.parts import result_value
from otel_threads.derive.retold_turns import add_facts, join_retold, turn_of
from otel_threads.derive.turns import MESSAGES_MAX, TOOL_CALLS_MAX


def order(part: PartPlace) -> tuple[int, str, int]:
    """Return the total order of parts within a thread."""
    return part["start_time_unix_nano"], part["trace_id"], part["part_index"]


def merge(parts: Iterable[PartRow], *, across: bool = True) -> list[TurnRow]:
    """Return turns, oldest first, without their index; `across` joins parts of several traces."""
    turns: list[TurnRow] = []
    known = _Known()
    ordered = sorted(parts, key=order)
    retold = [part for part in ordered if part.get("retold_by")] if across else ()
    for part in ordered:
        if across and part.get("retold_by"):
            continue
        if across and turns and _continues(part, turns[-1], known):
            _append(turns[-1], part, known)
        else:
            turns.append(_without_repeated_question(_turn(part), turns))
            known = _Known(turns[-1])
    turns = join_retold(turns, retold) if retold else turns
    for place in range(len(turns)):
        _tell_questions(turns, place)
    return turns


def _tell_questions(turns: Sequence[TurnRow], place: int) -> None:
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


def _question(text: str, span_id: str) -> MessageRow:
    return {"role": "user", "text": text, "span_id": span_id}


class _Known:
    """What a turn holds, by what it is looked up by; empty until a second part asks for it.

    A turn may have as many parts as a sender makes traces: looking through all that it holds for
    each of them took time with the square of their number.
    """

    def __init__(self, turn: TurnRow | None = None) -> None:
        self._turn = turn
        self._trace_ids: set[str] | None = None
        self._messages: set[str | bytes] | None = None
        self._by_id: dict[str, int] | None = None  # place among the tool calls
        self._by_content: dict[tuple[Any, str | bytes], int] = {}
        self._without_id: dict[tuple[Any, str | bytes], int] = {}

    def has_trace(self, trace_id: str) -> bool:
        """Return whether a part of this trace is in the turn."""
        assert self._turn is not None
        if self._trace_ids is None:
            self._trace_ids = set(self._turn["trace_ids"])
        return trace_id in self._trace_ids

    def add_trace(self, trace_id: str) -> None:
        """Note that a part of this trace is in the turn."""
        assert self._trace_ids is not None
        self._trace_ids.add(trace_id)

    def new_messages(self, messages: Sequence[MessageRow]) -> list[MessageRow]:
        """Return those messages that the turn did not have; it has them from now on."""
        assert self._turn is not None
        if self._messages is None:
            self._messages = {_mark(message) for message in self._turn["messages"]}
        marked = [(_mark(message), message) for message in messages]
        new = [message for key, message in marked if key not in self._messages]
        self._messages.update(key for key, _ in marked)
        return new

    def place_of(self, call: ToolCallRow) -> int | None:
        """Return the place of the same tool call in the turn, None when it has none.

        With two ids these decide, else name and arguments do.
        """
        assert self._turn is not None
        if self._by_id is None:
            self._by_id = {}
            for place, one in enumerate(self._turn["tool_calls"]):
                self.add_call(one, place)
        content = _content(call)
        if not (call_id := call["id"]):
            return self._by_content.get(content)
        places = self._by_id.get(call_id), self._without_id.get(content)
        return min((place for place in places if place is not None), default=None)

    def add_call(self, call: ToolCallRow, place: int) -> None:
        """Note that the turn has a tool call at a place."""
        assert self._by_id is not None
        content = _content(call)
        self._by_content.setdefault(content, place)
        if call_id := call["id"]:
            self._by_id.setdefault(call_id, place)
        else:
            self._without_id.setdefault(content, place)


def _content(call: ToolCallRow) -> tuple[Any, str | bytes]:
    return call["name"], mark(call["arguments"])


def _continues(part: PartRow, turn: TurnRow, known: _Known) -> bool:
    brings_results = part.get("brings_results", part["continues"])
    if not brings_results or known.has_trace(part["trace_id"]):
        return False
    key = (part["user_message_count"], part["user_text"])
    if part["user_text"] is None:  # the provider keeps the history: only the tool's result is sent
        return turn["assistant"] is None and bool(turn["tool_calls"])
    return key == (turn["user_message_count"], turn["user_text"])


def _repeats(part: PartRow, turn: TurnRow) -> bool:
    """Whether all that a request's cut history shows is the question of the turn before."""
    return bool(
        part.get("is_truncated")
        and part["user_text"] is not None
        # no outer span has other words
        and _begins_alike(part["user"], turn["user"] or turn.get("repeated"))
        and _begins_alike(part["user_text"], turn["user_text"])
        and part["user_message_count"] == turn["user_message_count"]
    )


def _begins_alike(one: str | None, other: str | None) -> bool:
    """Whether two texts are the same as far as both go: of one a limit left the beginning."""
    if not one or not other:
        return one == other
    return one.startswith(other) or other.startswith(one)


def _without_repeated_question(turn: TurnRow, before: Sequence[TurnRow]) -> TurnRow:
    """Return a turn without the older question that a cut history shows in place of its own."""
    if before and _repeats(turn, before[-1]) and turn["trace_ids"] != before[-1]["trace_ids"]:
        turn["messages"] = [m for m in turn["messages"] if m["text"] != turn["user"]]
        turn["repeated"], turn["user"] = turn["user"], None
    return turn


def _turn(part: PartRow) -> TurnRow:
    turn = turn_of(part)
    turn["tool_calls"] = [call.copy() for call in part["tool_calls"]]
    turn["messages"] = list(part["messages"])
    return turn


def _append(turn: TurnRow, part: PartRow, known: _Known) -> None:
    room = max(0, MESSAGES_MAX - len(turn["messages"]))
    turn["messages"] += known.new_messages(part["messages"])[:room]
    _join_tools(turn["tool_calls"], part["tool_calls"], known)
    _join_results(turn["tool_calls"], part["messages"])
    turn["trace_ids"].append(part["trace_id"])
    known.add_trace(part["trace_id"])
    turn["end_time_unix_nano"] = max(turn["end_time_unix_nano"], part["end_time_unix_nano"])
    turn["assistant"], turn["error"] = part["assistant"], part["error"]
    if turn["user"] is None:
        turn["user"] = part["user"]
    add_facts(turn, part)
    # A failed part costs nothing that anybody could know of, and hides what the turn cost before.
    is_nothing = bool(part["error"])
    put_cost(turn, [cost_of(row, is_nothing=is_nothing) for row in (turn, part)])


def _join_tools(have: list[ToolCallRow], new: Sequence[ToolCallRow], known: _Known) -> None:
    """Fill in the results that came with the later trace; append calls that are new."""
    for call in new:
        place = known.place_of(call)
        if place is None:
            if len(have) < TOOL_CALLS_MAX:
                known.add_call(call, len(have))
                have.append(call.copy())
        else:
            same = have[place]
            if same["result"] is None:
                same["result"] = call["result"]
            if same["error"] is None:
                same["error"] = call["error"]


def _join_results(calls: Sequence[ToolCallRow], messages: Sequence[MessageRow]) -> None:
    """Give calls without a result those that the history brings: by their id, else in order."""
    results = [
        part for message in messages if message["role"] == "tool" for part in message["parts"]
    ]
    by_id = {part["id"]: part for part in results if part["id"]}
    without_id = deque(part for part in results if not part["id"])
    for call in calls:
        if call["result"] is not None or call["error"] is not None:
            continue
        part = by_id.get(call["id"])
        if part is None and without_id and without_id[0]["name"] in (None, call["name"]):
            part = without_id.popleft()
        if part is not None:
            call["result"] = result_value(part["result"])


def _mark(message: MessageRow) -> str | bytes:
    asked = message.get("tool_calls", ())
    calls = [call["id"] or [call["name"], call["arguments"]] for call in asked]
    words = message.get("tool_call_id") or (message["text"] or "").strip()
    return mark([message["role"], words, calls])
