"""Files with conversations as items of data sets: JSON lines, JSON, other products' exports."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
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


def items_of(file: Path, format: str = "jsonl") -> Iterator[Json]:
    """Yield the conversations of a file, in its order: JSON lines, or one JSON list.

    Lines are read one by one, a list whole.

    Raises:
        InvalidQuery: it is no JSON, or an item has no messages; the message names the line.
    """
    read = FORMATS[format]
    ids: set[str] = set()
    is_empty = True
    for place, given in _objects(file):
        if not isinstance(given, Mapping):
            raise InvalidQuery(f"{place} is no JSON object")
        item = {name: value for name, value in read(given).items() if value is not None}
        messages = item.get("messages")
        if not isinstance(messages, list) or not messages:
            raise InvalidQuery(f"{place} has no messages (read as {format})")
        item_id = item.get("item_id")
        if item_id in ids:
            raise InvalidQuery(f"{place} has the id of an earlier one, {str(item_id)[:200]!r}")
        if item_id is not None:
            ids.add(item_id)
        is_empty = False
        yield item
    if is_empty:
        raise InvalidQuery("the file holds no item")


def _objects(file: Path) -> Iterator[tuple[str, Any]]:
    try:
        with file.open(encoding="utf-8-sig") as opened:
            number = 0
            is_first = True
            for number, line in enumerate(opened, 1):
                if not line.strip():
                    continue
                if is_first and line.lstrip().startswith("["):
                    whole = _parsed(line + opened.read(), "the file")
                    yield from ((f"item {place}", one) for place, one in enumerate(whole))
                else:
                    yield f"line {number}", _parsed(line, f"line {number}")
                is_first = False
    except UnicodeDecodeError as error:
        raise InvalidQuery(f"{file.name} is not UTF-8: {error.reason}") from None


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError) as error:
        raise InvalidQuery(f"{where} is no JSON: {str(error)[:200]}") from None


def _no_json(name: str) -> None:
    raise ValueError(f"it has no {name}")
