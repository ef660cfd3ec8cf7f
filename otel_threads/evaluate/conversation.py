"""A conversation as scorers get it: what was said, by turns, with what it cost and whom it was for.

Made of the JSON that REST and the export give of a thread with its turns, or of an item of a data
set. Strange values become empty ones: a scorer never fails on what a sender wrote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool call; `error` is null where it succeeded."""

    name: str | None
    arguments: Any
    result: Any
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message; `role` is system, user, assistant or tool."""

    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A user's message and everything until the assistant's final text; texts may be null."""

    index: int
    user: str | None
    assistant: str | None
    error: str | None
    tool_calls: tuple[ToolCall, ...]
    messages: tuple[Message, ...]
    duration_ms: float | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """What is usual in a project: above these, a turn is slow and a thread costs too much.

    The third quartile and three times the range between the quartiles; null where there are fewer
    than 20 of them.
    """

    turn_duration_ms_max: float | None = None
    cost_usd_max: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A whole conversation, oldest turn first.

    `expected`, `scenario` and `item_id` are those of a data set's item. `thread` is the thread as
    REST gives it, without its turns; empty for an item that is no thread.
    """

    project: str | None
    thread_id: str | None
    turns: tuple[Turn, ...]
    duration_ms: float | None = None
    cost_usd: float | None = None
    models: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    thread: Mapping[str, Any] = field(default_factory=dict)
    ranges: Ranges = field(default_factory=Ranges)
    item_id: str | None = None
    expected: Any = None
    scenario: str | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """Every message, each once, in order."""
        return tuple(message for turn in self.turns for message in turn.messages)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Every tool call, in order."""
        return tuple(call for turn in self.turns for call in turn.tool_calls)

    @property
    def text(self) -> str:
        """The conversation as plain text: `user: …`, a message a paragraph."""
        return "\n\n".join(f"{one.role}: {one.text}" for one in self.messages if one.text)


def conversation_of_thread(thread: Mapping[str, Any], ranges: Ranges | None = None) -> Conversation:
    """Return a thread as a line of the export holds it: a Thread of REST with its `turns`."""
    turns = [_turn(one, place) for place, one in enumerate(_maps(thread.get("turns")))]
    return Conversation(
        project=_text(thread.get("project")),
        thread_id=_text(thread.get("thread_id")),
        turns=tuple(turns),
        duration_ms=_number(thread.get("duration_ms")),
        cost_usd=_number(thread.get("cost_usd")),
        models=_texts(thread.get("models")),
        tags=_texts(thread.get("tags")),
        metadata=_map(thread.get("metadata")),
        thread={name: value for name, value in thread.items() if name != "turns"},
        ranges=ranges or Ranges(),
    )


def conversation_of_messages(
    messages: Sequence[Mapping[str, Any]],
    *,
    item_id: str | None = None,
    thread_id: str | None = None,
    project: str | None = None,
    expected: Any = None,
    scenario: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Conversation:
    """Return messages of OpenAI's shape as a conversation: a turn begins with each user message."""
    groups: list[list[Mapping[str, Any]]] = []
    for one in messages:
        if not groups or (_role(one) == "user" and _has_answer(groups[-1])):
            groups.append([])
        groups[-1].append(one)
    return Conversation(
        project=project,
        thread_id=thread_id,
        turns=tuple(_turn_of_messages(group, place) for place, group in enumerate(groups)),
        metadata=metadata or {},
        item_id=item_id,
        expected=expected,
        scenario=scenario,
    )


def _has_answer(group: Sequence[Mapping[str, Any]]) -> bool:
    return any(_role(one) == "user" for one in group)


def _turn(given: Mapping[str, Any], place: int) -> Turn:
    index = given.get("turn_index")
    return Turn(
        index=index if isinstance(index, int) else place,
        user=_text(given.get("user")),
        assistant=_text(given.get("assistant")),
        error=_error(given.get("error")),
        tool_calls=tuple(_call(one) for one in _maps(given.get("tool_calls"))),
        messages=tuple(
            Message(role=_role(one), text=_text(one.get("text")) or "")
            for one in _maps(given.get("messages"))
        ),
        duration_ms=_number(given.get("duration_ms")),
        cost_usd=_number(given.get("cost_usd")),
    )


def _turn_of_messages(group: Sequence[Mapping[str, Any]], place: int) -> Turn:
    said = [Message(role=_role(one), text=content_text(one.get("content"))) for one in group]
    results = {one.get("tool_call_id"): content_text(one.get("content")) for one in group}
    calls = [call for one in group for call in _maps(one.get("tool_calls"))]
    answers = [one.text for one in said if one.role == "assistant" and one.text]
    return Turn(
        index=place,
        user="\n\n".join(one.text for one in said if one.role == "user") or None,
        assistant=answers[-1] if answers else None,
        error=None,
        tool_calls=tuple(_requested(call, results) for call in calls),
        messages=tuple(said),
        duration_ms=None,
        cost_usd=None,
    )


def _requested(call: Mapping[str, Any], results: Mapping[Any, str]) -> ToolCall:
    function = _map(call.get("function"))
    key = call.get("id")
    return ToolCall(
        name=_text(function.get("name") or call.get("name")),
        arguments=function.get("arguments", call.get("arguments")),
        result=results.get(key) if isinstance(key, str) else None,
        error=None,
    )


def content_text(content: Any) -> str:
    """Return the text of a message's content: a text, or OpenAI's list of parts."""
    if isinstance(content, str):
        return content
    texts = (_text(part.get("text")) for part in _maps(content))
    return "\n".join(text for text in texts if text)


def _call(given: Mapping[str, Any]) -> ToolCall:
    return ToolCall(
        name=_text(given.get("name")),
        arguments=given.get("arguments"),
        result=given.get("result"),
        error=_error(given.get("error")),
    )


def _error(given: Any) -> str | None:
    if isinstance(given, Mapping):
        words = ": ".join(str(given[key]) for key in ("type", "message") if given.get(key))
        return words or "error"
    return _text(given)


def _role(given: Mapping[str, Any]) -> str:
    return str(given.get("role") or "user")


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None


def _number(given: Any) -> float | None:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return float(given) if is_number else None


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(one for one in given if isinstance(one, str)) if isinstance(given, list) else ()


def _map(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}


def _maps(given: Any) -> list[Mapping[str, Any]]:
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
