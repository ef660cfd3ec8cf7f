"""JSON that a length limit cut off: what is there is read, the last open text too.

SDKs cut attributes at a number of letters (OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT), wherever that is.
"""

from typing import Any

import orjson

from otel_threads.derive.family import JSON_VALUES_MAX
from otel_threads.json_bounds import holds_more
from otel_threads.json_repair import whole_letters

BEGINNINGS = ('{"', '["', "[{", "[[", "[ {", '{ "')
# Places before the cut from which reading is tried, the last first: after the cut text itself a
# key without a value, half a number, half a word such as `tru`.
TRIES_MAX = 4


def may_be(text: str) -> bool:
    """Whether a text that does not parse looks like the beginning of a JSON object or list."""
    return text.lstrip()[:2] in BEGINNINGS or text.lstrip()[:3] in BEGINNINGS


def read(text: str) -> Any:
    """Return what the beginning of a JSON text holds; None where nothing can be read."""
    if not may_be(text) or holds_more(text, JSON_VALUES_MAX):
        return None
    for candidate in _candidates(text):
        for one in (candidate, whole_letters(candidate)):
            try:
                return orjson.loads(one)
            except orjson.JSONDecodeError:
                continue
    return None


def _candidates(text: str) -> list[str]:
    """Return texts that are closed: the whole of it, then what ends before its last commas."""
    open_: list[str] = []
    places: list[tuple[int, str]] = []  # before a comma, and how to close what is open there
    is_within = is_escaped = False
    for place, sign in enumerate(text):
        if is_within:
            if is_escaped:
                is_escaped = False
            elif sign == "\\":
                is_escaped = True
            elif sign == '"':
                is_within = False
        elif sign == '"':
            is_within = True
        elif sign in "[{":
            open_.append("]" if sign == "[" else "}")
            places.append((place + 1, "".join(reversed(open_))))
        elif sign in "]}":
            if not open_:
                return []
            open_.pop()
        elif sign == ",":
            places.append((place, "".join(reversed(open_))))
    if not open_:
        return []
    ending = "".join(reversed(open_))
    whole = _without_half_an_escape(text) + '"' if is_within else text.rstrip().rstrip(",")
    found = [whole + ending]
    if is_within:
        found.append(f"{whole}:null{ending}")  # a key was cut
    found += [text[:place] + close for place, close in reversed(places[-TRIES_MAX:])]
    return found


def _without_half_an_escape(text: str) -> str:
    """Return a text without `\\` or `\\u12` at its end."""
    for length in range(1, 6):
        tail = text[-length:]
        if tail.startswith("\\"):
            before = len(text) - length
            escapes = before - len(text[:before].rstrip("\\"))
            is_whole = length > 1 and tail[1] != "u"
            return text if escapes % 2 or is_whole else text[:before]
    return text
