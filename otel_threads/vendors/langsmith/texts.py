"""JSON texts as runs have them: checked once as they come, then cut and joined byte for byte."""

from collections.abc import Mapping
from typing import Any

import orjson

from otel_threads.json_repair import finite_numbers, whole_letters
from otel_threads.json_texts import NotJson, is_json, json_fields, json_items


def sound(text: str) -> str | None:
    """Return a text that is JSON, mended where it is nearly; None for one that is none."""
    if is_json(text):
        return text
    mended = whole_letters(finite_numbers(text))
    return mended if is_json(mended) else None


def value(text: str | None) -> Any:
    """Return what a JSON text holds; None for no text, and for one that is no JSON."""
    if text is None:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def fields(text: str | None) -> dict[str, str]:
    """Return the members of a JSON object, each as its text; none of what is no object."""
    try:
        return json_fields(text) if text else {}
    except NotJson:
        return {}


def items(text: str) -> list[str]:
    """Return the items of a JSON list, each as its text; none of what is no list."""
    try:
        return json_items(text)
    except NotJson:
        return []


def joined(members: Mapping[str, str]) -> str:
    """Return the text of a JSON object that has these members."""
    return "{" + ",".join(f"{written(name)}:{text}" for name, text in members.items()) + "}"


def written(found: Any) -> str:
    """Return a value as JSON."""
    return orjson.dumps(found, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
