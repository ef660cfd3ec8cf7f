"""Files with conversations as items of data sets: JSON lines, JSON, other products' exports."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from otel_threads.core.errors import InvalidQuery
from otel_threads.core.message import Json
from otel_threads.vendors.langsmith import dataset as langsmith
from otel_threads.vendors.opik import dataset as opik

FIELDS = ("messages", "item_id", "thread_id", "project", "expected", "scenario", "metadata")


def _own(given: Mapping[str, Any]) -> Json:
    """Return a line of ours, or of OpenAI's fine-tuning files."""
    found = {name: given[name] for name in FIELDS if given.get(name) is not None}
    if "item_id" not in found and given.get("id") is not None:
        found["item_id"] = str(given["id"])
    return found


FORMATS: Mapping[str, Callable[[Mapping[str, Any]], Json]] = {
    "jsonl": _own,
    "langsmith": langsmith.item_of,
    "opik": opik.item_of,
}


def items_of(text: str, format: str = "jsonl") -> list[Json]:
    """Return the conversations of a file, in its order: JSON lines, or one JSON list.

    Raises:
        InvalidQuery: it is no JSON, or an item has no messages; the message names the line.
    """
    read = FORMATS[format]
    found = []
    for place, given in _objects(text):
        if not isinstance(given, Mapping):
            raise InvalidQuery(f"{place} is no JSON object")
        item = {name: value for name, value in read(given).items() if value is not None}
        messages = item.get("messages")
        if not isinstance(messages, list) or not messages:
            raise InvalidQuery(f"{place} has no messages (read as {format})")
        found.append(item)
    if not found:
        raise InvalidQuery("the file holds no item")
    return found


def _objects(text: str) -> list[tuple[str, Any]]:
    plain = text.lstrip("\ufeff").strip()
    if plain.startswith("["):
        return [(f"item {place}", one) for place, one in enumerate(_parsed(plain, "the file"))]
    lines = [(number, line) for number, line in enumerate(plain.splitlines(), 1) if line.strip()]
    return [(f"line {number}", _parsed(line, f"line {number}")) for number, line in lines]


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidQuery(f"{where} is no JSON: {str(error)[:200]}") from None
