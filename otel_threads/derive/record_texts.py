"""What was asked and answered, of the input and output that an SDK's record holds as JSON.

Each trace of an SDK is a turn, whatever its input and output are: what no rule reads is shown as
compact JSON. So nothing is refused here that user_text.py refuses on spans of others.

Source: docs/conventions.md, section "What a turn is", traces of SDKs.
"""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from otel_threads import json_bounds
from otel_threads.derive import messages
from otel_threads.derive.family import JSON_VALUES_MAX, Role
from otel_threads.json_repair import whole_letters

# The first that is there and holds words.
KEYS: Mapping[Role, tuple[str, ...]] = {
    "user": (
        "messages",
        "input",
        "question",
        "query",
        "prompt",
        "user",
        "message",
        "contents",
        "text",
        "user_input",
        "inputs",
        "content",
    ),
    "assistant": (
        "output",
        "answer",
        "assistant",
        "response",
        "text",
        "messages",
        "choices",
        "candidates",
        "generations",
        "message",
        "result",
        "outputs",
        "content",
    ),
}
DEPTH_MAX = 4  # of objects within one another; deeper ones are shown as JSON
_OPENING = frozenset('{["')


def value_of(text: str | None) -> Any:
    """Return what a field's JSON text holds; the text itself where it has too many values.

    None for a field that is not there.
    """
    if text is None or json_bounds.holds_more(text, JSON_VALUES_MAX):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return orjson.loads(whole_letters(text))  # half of a surrogate pair
    except orjson.JSONDecodeError:
        return text


def words(text: str | None, role: Role) -> str | None:
    """Return a person's or the assistant's text of a field's JSON text.

    None for a field that is not there or is empty; compact JSON for what no rule reads.
    """
    value = value_of(text)
    if value is None or value in ("", {}, []) or text is None:
        return None
    return _words(value, role, 0) or _compact(text, value)


def _words(value: Any, role: Role, depth: int) -> str | None:
    if isinstance(value, str):
        return value if value.strip() else None
    if depth > DEPTH_MAX:
        return None
    if isinstance(value, list):
        return _of_messages(value, role) or _of_texts(value)
    if not isinstance(value, dict):
        return None
    if "role" in value or "lc" in value:
        return _of_messages(value, role)
    for key in KEYS[role]:
        if value.get(key) and (found := _words(value[key], role, depth + 1)):
            return found
    if len(value) == 1:
        (only,) = value.values()
        if isinstance(only, str):
            return only if only.strip() else None
    return _of_messages(value, role)


def _of_messages(value: Any, role: Role) -> str | None:
    """Return the last text of a role in messages of any shape that models' APIs have."""
    return messages.last_of(messages.read(value), role) or messages.last_of(
        messages.read(value, role=role), role
    )


def _of_texts(value: list[Any]) -> str | None:
    return value[-1] if value and all(isinstance(one, str) for one in value) else None


def _compact(text: str, value: Any) -> str:
    if not isinstance(value, dict | list) or not _has_blanks(text):
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text


def _has_blanks(text: str) -> bool:
    return any(blank in text for blank in (": ", ", ", "\n", "\t"))
