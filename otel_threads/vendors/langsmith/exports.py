"""Runs and feedback of LangSmith's exports as calls of this interface.

Lines are as its REST and SDKs give them; rows of Parquet are its bulk export's, where objects are
JSON texts.
"""

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from otel_threads.vendors.exported import ExportCall, Item, NotImportable
from otel_threads.vendors.ids import uuid_text
from otel_threads.vendors.langsmith.texts import value

# What a run may bring: all else is counted here anew.
FIELDS = (
    *("id", "trace_id", "dotted_order", "parent_run_id", "name", "run_type", "start_time"),
    *("end_time", "inputs", "outputs", "error", "events", "extra", "serialized", "tags"),
    *("reference_example_id", "thread_id", "session_name", "session_id"),
)
OBJECTS = ("inputs", "outputs", "events", "extra", "serialized", "tags")


def calls(items: Sequence[Item], project: str | None) -> Iterable[ExportCall]:
    """Return the calls that bring items in; `project` counts more than what they name.

    Raises:
        NotImportable: an item is neither a run nor feedback.
    """
    runs = [run(item, project) for item in items if not _is_feedback(item)]
    if runs:
        yield ExportCall("POST", "/runs/batch", {"post": runs}, len(runs))
    for item in items:
        if _is_feedback(item):
            yield ExportCall("POST", "/feedback", _plain(item), 1)


def _is_feedback(item: Item) -> bool:
    return "key" in item and "run_type" not in item


def run(item: Item, project: str | None) -> dict[str, Any]:
    """Return the run that a line or row is.

    Raises:
        NotImportable: it has no id, or no start.
    """
    if uuid_text(str(item.get("id") or "")) is None:
        raise NotImportable("a run has an id that is a UUID")
    if item.get("start_time") is None:
        raise NotImportable(f"run {item['id']} has no start_time")
    found = {name: item[name] for name in FIELDS if item.get(name) is not None}
    for name in OBJECTS:
        told = found.get(name)
        if isinstance(told, str):
            parsed = value(told)
            found[name] = told if parsed is None else parsed
    if isinstance(metadata := item.get("metadata"), dict) and "extra" not in found:
        found["extra"] = {"metadata": metadata}
    if project is not None:
        found |= {"session_name": project, "session_id": None}
    elif "session_name" not in found and isinstance(item.get("project_name"), str):
        found["session_name"] = item["project_name"]
    return _plain(found)


def _plain(item: Item) -> dict[str, Any]:
    return {
        name: one.isoformat() if isinstance(one, datetime.datetime) else one
        for name, one in item.items()
    }
