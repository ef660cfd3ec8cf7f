"""Annotations and the time of day, added to threads and traces of the store. Pure.

The view `annotated_threads` says the same in SQL, for filters and for people; a test compares both.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = dict[str, Any]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def annotated_threads(
    threads: Sequence[Mapping[str, Any]],
    annotations: Iterable[Mapping[str, Any]],
    now: datetime.datetime,
) -> list[Row]:
    """Return threads with status, tags and comment_count.

    `annotations` are rows of annotations_of_threads.sql and cooldowns.sql.
    """
    by_kind = _by_kind(annotations)
    cooldowns = {row["project"]: row["number"] for row in by_kind.get("cooldown", ())}
    steps = [(row["number"], row["time"] - EPOCH) for row in by_kind.get("step", ())]
    found = []
    for thread in threads:
        key = (thread["project"], thread["thread_id"])
        hand = next(iter(_of(by_kind, "lifecycle", key)), None)
        cooldown_s = cooldowns.get(thread["project"], cooldowns.get(None))
        since = thread["updated_at"]
        if hand and not hand["flag"]:
            since = max(since, hand["time"])
        for sequence, step in steps:
            if sequence >= thread["last_sequence"]:
                since += step
        closed = hand and hand["flag"] and thread["last_trace_sequence"] <= hand["number"]
        aged = cooldown_s is None or since + datetime.timedelta(seconds=cooldown_s) <= now
        found.append(
            {
                **_with_tags_and_comments(thread, by_kind, key),
                "status": "inactive" if closed or aged else "active",
            }
        )
    return found


def annotated_traces(
    traces: Sequence[Mapping[str, Any]], annotations: Iterable[Mapping[str, Any]]
) -> list[Row]:
    """Return traces with tags and comment_count; `annotations`: annotations_of_traces.sql."""
    by_kind = _by_kind(annotations)
    return [
        _with_tags_and_comments(trace, by_kind, (trace["project"], trace["trace_id"]))
        for trace in traces
    ]


def _by_kind(annotations: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in annotations:
        found.setdefault(row["kind"], []).append(row)
    return found


def _of(
    by_kind: Mapping[str, list[Mapping[str, Any]]], kind: str, key: tuple[str, str]
) -> list[Mapping[str, Any]]:
    return [
        row
        for row in by_kind.get(kind, ())
        if row["id"] == key[1] and row["project"] in (None, key[0])
    ]


def _with_tags_and_comments(
    item: Mapping[str, Any],
    by_kind: Mapping[str, list[Mapping[str, Any]]],
    key: tuple[str, str],
) -> Row:
    tags = set(item["tags"] or ())
    for row in _of(by_kind, "tag", key):
        (tags.discard if row["flag"] else tags.add)(row["tag"])
    comments = sum(int(row["number"]) for row in _of(by_kind, "comments", key))
    return {**item, "tags": sorted(tags), "comment_count": comments}
