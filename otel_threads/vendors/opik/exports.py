"""Traces, spans and their scores of Opik's exports as calls of this interface.

Lines are as its REST and SDKs give them: an item with a `trace_id` is a span.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from otel_threads.vendors import ids
from otel_threads.vendors.exported import ExportCall, Item, NotImportable

BASE = "/v1/private"
# What an item may bring: all else is counted here anew.
SHARED = (
    *("id", "project_name", "name", "start_time", "end_time", "input", "output", "metadata"),
    *("tags", "error_info", "last_updated_at", "ttft", "source", "environment"),
)
OF_TRACES = (*SHARED, "thread_id")
OF_SPANS = (
    *SHARED,
    *("trace_id", "parent_span_id", "type", "model", "provider", "usage"),
    *("total_estimated_cost", "total_estimated_cost_version"),
)
OF_SCORES = ("name", "value", "category_name", "reason", "source")


def calls(items: Sequence[Item], project: str | None) -> Iterable[ExportCall]:
    """Return the calls that bring items in; `project` counts more than what they name.

    Raises:
        NotImportable: an item has no id that is a UUID, or no start.
    """
    for kind, names in (("traces", OF_TRACES), ("spans", OF_SPANS)):
        some = [item for item in items if ("trace_id" in item) == (kind == "spans")]
        if not some:
            continue
        made = [_item(item, names, project) for item in some]
        yield ExportCall("POST", f"{BASE}/{kind}/batch", {kind: made}, len(made))
        scores = [score for item in some for score in _scores(item, project)]
        if scores:
            yield ExportCall("PUT", f"{BASE}/{kind}/feedback-scores", {"scores": scores}, 0)


def _item(item: Item, names: Sequence[str], project: str | None) -> dict[str, Any]:
    if ids.uuid_text(item.get("id")) is None:
        raise NotImportable("a trace or span has an id that is a UUID")
    if not isinstance(item.get("start_time"), str):
        raise NotImportable(f"{item['id']} has no start_time")
    found = {name: item[name] for name in names if item.get(name) is not None}
    return found | {"project_name": project} if project is not None else found


def _scores(item: Item, project: str | None) -> Iterable[dict[str, Any]]:
    for told in item.get("feedback_scores") or ():
        if isinstance(told, dict) and told.get("name") and told.get("value") is not None:
            found = {name: told[name] for name in OF_SCORES if told.get(name) is not None}
            named = project or item.get("project_name")
            yield {"source": "sdk", **found, "id": item["id"]} | (
                {"project_name": named} if named else {}
            )
