"""Scores as people read them: the mean over the authors of one target and name. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

Row = dict[str, Any]
TARGET = ("project", "thread_id", "trace_id", "span_id")


def together(records: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return one score per target, name and time of being superseded, by name.

    The value is the mean over authors; category, reason and source are the latest author's.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for record in records:
        key = (*(record[name] for name in TARGET), record["name"], record["superseded_at"])
        groups.setdefault(key, []).append(record)
    found = [_one(sorted(group, key=_age)) for group in groups.values()]
    return sorted(found, key=lambda score: (score["name"], str(score["superseded_at"] or "")))


def _age(record: Mapping[str, Any]) -> tuple[Any, str]:
    return record["updated_at"], record["author"] or ""


def _one(records: list[Mapping[str, Any]]) -> Row:
    latest = records[-1]
    values = [record["value"] for record in records if record["value"] is not None]
    return {
        **{name: latest[name] for name in TARGET},
        "name": latest["name"],
        "value": sum(values) / len(values) if values else None,
        "category": next((r["category"] for r in reversed(records) if r["category"]), None),
        "reason": next((r["reason"] for r in reversed(records) if r["reason"]), None),
        "source": latest["source"],
        "author": latest["author"] if len(records) == 1 else None,
        "value_by_author": {
            record["author"] or "": record["value"]
            for record in records
            if record["value"] is not None
        },
        "created_at": min(record["created_at"] for record in records),
        "updated_at": latest["updated_at"],
        "superseded_at": latest["superseded_at"],
    }
