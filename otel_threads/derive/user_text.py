"""A person's words on an outer span (an agent, a chain, a root): what is plainly human text.

Outer spans keep the user's own words where the model request wraps them in a template. They also
hold engine state, Python reprs and whole request bodies; those are refused, not guessed at.

Source: docs/conventions.md, section "What a turn is", rules for the user and assistant message.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import cut_json, messages
from otel_threads.derive.family import Messages, Role, parse
from otel_threads.derive.ranks import Text

INPUT_KEYS = (
    "input",
    "question",
    "query",
    "message",
    "text",
    "prompt",
    "user_input",
    "task",
    "content",
    "user_message",
    "user_msg",
    "inputs",
    "q",
)
OUTPUT_KEYS = (
    "output",
    "answer",
    "response",
    "result",
    "text",
    "message",
    "content",
    "final_output",
    "reply",
    "raw",
    "outputs",
)
# Of these, what asks and what answers where a history stands beside it.
QUESTION_KEYS = ("question", "query", "input", "user_input", "user_message", "user_msg", "q")
ANSWER_KEYS = ("answer", "output", "response", "final_output", "reply", "result")
# An object's repr even where the sender says that it is plain text.
_OBJECT = re.compile(r"\s*[A-Z]\w*\(\w+=")
DEPTH_MAX = 3
# Keys of messages that say nothing of what was said.
LABELS = frozenset({"role", "type", "finish_reason", "stop_reason", "index", "id", "name"})
_ROLE = re.compile(r'"(?:role|type)": ?"(?:user|assistant|human|ai|system|model|tool)"')
UNREAD_LENGTH_MAX = 2000  # of what is shown as it is: enough to see what it would be
UNREAD: Mapping[Role, str] = {"user": "[unread input]", "assistant": "[unread output]"}


@dataclass(frozen=True, slots=True)
class _Search:
    """Whose words are looked for, under which keys, and what is never shown as such."""

    role: Role
    keys: tuple[str, ...]
    elided: Collection[str]
    asked: str | None = None
    is_cut: bool = False  # what is read was cut off: more came after it
    is_lost: bool = False  # a message at least


def words(
    span: Span,
    role: Role,
    texts: Sequence[Text],
    elided: Collection[str],
    *,
    asked: str | None = None,
) -> str | None:
    """Return the last words of a role that an outer span holds, None where none are plain.

    `texts` are the attributes with words that the span has, the best first; `elided` stands in
    place of words that were not captured. `asked` is what is answered, where that is known: a
    history without it was over before, and its last answer is to something else.
    """
    keys = INPUT_KEYS if role == "user" else OUTPUT_KEYS
    search = _Search(role, keys, elided, asked)
    for text in texts:
        mime = span.attributes.get(text.mime_type) if text.mime_type else None
        is_plain = mime == "text/plain"
        if found := _plain(span.attributes[text.attribute], search, is_plain=is_plain):
            return found
    return None


def is_cut(span: Span, texts: Sequence[Text]) -> bool:
    """Return whether a length limit cut the JSON that a span holds where words are expected."""
    for text in texts:
        told = span.attributes[text.attribute]
        if isinstance(told, str) and _cut(told.strip()) and isinstance(parse(told), str):
            return True
    return False


def holds(span: Span, texts: Sequence[Text], said: str) -> bool:
    """Return whether a span has words as a text of its own, among others or alone."""
    for text in texts:
        told = span.attributes[text.attribute]
        told = told if isinstance(told, str) else messages.as_json(told)
        if said == told.strip() or any(one in told for one in _literals(said)):
            return True
    return False


def _literals(said: str) -> tuple[str, str]:
    return json.dumps(said, ensure_ascii=False), json.dumps(said)


def unread(span: Span, role: Role, texts: Sequence[Text], elided: Collection[str]) -> str | None:
    """Return what a span holds where words are expected, as compact text that says what it is.

    For a turn that would show nothing else. None where there is nothing, or only a cut beginning.
    """
    for text in texts:
        told = span.attributes[text.attribute]
        value = parse(told)
        shown = (told if isinstance(told, str) else messages.as_json(told)).strip()
        # Messages are understood, wherever they stand: what was not found in them is not there.
        if shown in elided or _is_empty(value) or _ROLE.search(shown):
            continue
        if not (isinstance(value, str) and cut_json.may_be(shown)):
            more = "…" if len(shown) > UNREAD_LENGTH_MAX else ""
            return f"{UNREAD[role]} {shown[:UNREAD_LENGTH_MAX]}{more}"
    return None


def _is_empty(value: Any, depth: int = 0) -> bool:
    """Whether a value says nothing: an answer without parts, say, that only tells how it ended."""
    if isinstance(value, dict) and depth <= DEPTH_MAX:
        return all(key in LABELS or _is_empty(one, depth + 1) for key, one in value.items())
    if isinstance(value, list) and depth <= DEPTH_MAX:
        return all(_is_empty(one, depth + 1) for one in value)
    return value in (None, "", "null", "None", "undefined")


def _plain(value: Any, search: _Search, *, is_plain: bool = False, depth: int = 0) -> str | None:
    """Return the human text in a value; None for engine state, reprs and request bodies."""
    if depth > DEPTH_MAX:
        return None
    if isinstance(value, str):
        parsed = parse(value)
        if isinstance(parsed, str):
            if _cut(parsed.strip()) and depth < DEPTH_MAX:
                told, is_lost = messages.before_cut(parsed)
                cut = replace(search, is_cut=True, is_lost=is_lost)
                return _plain(told, cut, depth=depth + 1)
            text = parsed.strip()
            refused = _OBJECT.match(text) if is_plain else messages.REPR.match(text) or _cut(text)
            return text if text and not refused and text not in search.elided else None
        return _plain(parsed, search, depth=depth + 1)
    if isinstance(value, list):
        return _of_list(value, search, depth)
    if isinstance(value, dict):
        return _of_object(value, search, depth)
    return None


def _cut(text: str) -> bool:
    """Whether a text is JSON that a length limit cut off."""
    return text[:2] in ('{"', '["', "[{") and len(text) > 2


def _of_list(value: list[Any], search: _Search, depth: int) -> str | None:
    if not value:
        return None
    if isinstance(value[0], str):
        return value[0].strip() or None
    role = search.role
    found = messages.read(value, role=None)
    if found:
        return _said(found, search)
    bare = messages.read(value, role=role) if role == "assistant" else []
    if bare:
        return _said(bare, search)
    if role == "assistant" and isinstance(value[-1], dict | list):
        return _plain(value[-1], search, depth=depth + 1)
    return None


def _of_object(value: dict[str, Any], search: _Search, depth: int) -> str | None:
    if "args" in value and set(value) <= {"args", "kwargs"}:
        return _of_arguments(value, search, depth)
    if value.keys() == {"type", "value"}:  # a value that says its type
        return _plain(value["value"], search, depth=depth + 1)
    if "messages" in value and "role" not in value:
        return _beside_history(value, search, depth)
    own: Role | None = "assistant" if search.role == "assistant" else None
    if "role" in value or "choices" in value or "lc" in value:
        return _said(messages.read(value, role=own), search)
    for key in search.keys:
        inner = value.get(key)
        if isinstance(inner, str) and inner.strip():
            return _plain(inner, search, depth=depth + 1)
    for key in search.keys:
        inner = value.get(key)
        if isinstance(inner, dict | list) and inner:
            found = _plain(inner, search, depth=depth + 1)
            if found:
                return found
    return _said(messages.read(value, role=own), _asking(value, search))


def _beside_history(value: dict[str, Any], search: _Search, depth: int) -> str | None:
    """Return words of a state: of its messages, or of what stands beside a history of before."""
    is_answer = search.role == "assistant"
    found = messages.read(value, role="assistant" if is_answer else None)
    said = _said(found, _asking(value, search))
    is_over = bool(found) and found[-1].role == "assistant" and not found[-1].of_type("tool_call")
    if said is not None and (is_answer or not is_over):
        return said
    for key in ANSWER_KEYS if is_answer else QUESTION_KEYS:
        beside = value.get(key)
        if isinstance(beside, str) and beside.strip() and beside.strip() != search.asked:
            return _plain(beside, search, depth=depth + 1)
    return said


def _asking(value: dict[str, Any], search: _Search) -> _Search:
    """Return the search with the question that a state holds itself, where none was known."""
    if search.asked or search.role != "assistant":
        return search
    own = (value.get(key) for key in QUESTION_KEYS)
    return replace(search, asked=next((one for one in own if isinstance(one, str) and one), None))


def _said(found: Messages, search: _Search) -> str | None:
    """Return the last words of a role in messages, None where these were said before.

    A history may end before the question: what it says last is the answer to another one. So may
    one that was cut.
    """
    if search.role != "assistant":
        is_older = search.is_cut and bool(found) and found[-1].role != "user"
        return None if is_older or search.is_lost else messages.last_text(found, search.role)
    users = [message.text for message in found if message.role == "user"]
    if users and search.is_cut:  # only a question that is the last one may have been the newest
        users = users[-1:]
    if (
        users
        and (search.asked or search.is_cut)
        and not any(_is_same(u, search.asked) for u in users)
    ):
        return None
    return messages.last_answer(found)


def _is_same(one: str | None, other: str | None) -> bool:
    """Whether two texts are one question, or one is a prompt around the other."""
    if not one or not other:
        return False
    one, other = one.strip(), other.strip()
    return one in other or other in one


def _of_arguments(value: dict[str, Any], search: _Search, depth: int) -> str | None:
    """Read what a function was called with: the first argument, else those with names."""
    arguments = value["args"]
    if isinstance(arguments, list) and arguments and isinstance(arguments[0], str):
        return arguments[0].strip() or None
    return _plain(value.get("kwargs"), search, depth=depth + 1) or (
        _plain(arguments, search, depth=depth + 1) if arguments else None
    )
