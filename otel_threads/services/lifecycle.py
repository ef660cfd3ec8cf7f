"""Status, tags and comments of threads and traces, from annotations and the time of day. Pure.

The view `x_annotated_threads` says the same in SQL, for filters and SQL; a test compares both.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otel_threads.core.ports import ThreadKey
from otel_threads.core.thread import ThreadStatus
from otel_threads.store.annotations.annotation_rows import AnnotationRow
from otel_threads.store.read.stored_items import StoredThread, StoredTrace

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What annotations add to a trace."""

    tags: list[str]
    comment_count: int


class ItemAnnotations:
    """The annotations of some threads or traces, as annotations_of_threads.sql has them."""

    def __init__(self, rows: Iterable[AnnotationRow]) -> None:
        self._by_kind: dict[str, list[AnnotationRow]] = {}
        for row in rows:
            self._by_kind.setdefault(row.kind, []).append(row)
        cooldowns = self._by_kind.get("cooldown", ())
        self._cooldowns_s = {row.project: row.number for row in cooldowns}

    def added(self, item: StoredThread | StoredTrace) -> Added:
        """Return the tags of an item, with those that people changed, and its comments."""
        tags = set(item.tags)
        for row in self._of("tag", item.key):
            (tags.discard if row.flag else tags.add)(row.tag or "")
        comments = sum(int(row.number or 0) for row in self._of("comments", item.key))
        return Added(tags=sorted(tags), comment_count=comments)

    def status(self, thread: StoredThread, now: datetime.datetime) -> ThreadStatus:
        """Return whether a thread is active: not closed, and not older than its cooldown."""
        by_hand = next(iter(self._of("lifecycle", thread.key)), None)
        since = thread.updated_at
        if by_hand is not None:
            if by_hand.flag and thread.last_trace_sequence <= (by_hand.number or 0):
                return "inactive"
            if not by_hand.flag and by_hand.time is not None:
                since = max(since, by_hand.time)
        for step in self._by_kind.get("step", ()):
            if step.time is not None and (step.number or 0) >= thread.last_sequence:
                since += step.time - EPOCH
        cooldown_s = self._cooldowns_s.get(thread.project, self._cooldowns_s.get(None))
        if cooldown_s is None or since + datetime.timedelta(seconds=cooldown_s) <= now:
            return "inactive"
        return "active"

    def _of(self, kind: str, key: ThreadKey) -> Sequence[AnnotationRow]:
        project, item_id = key
        return [
            row
            for row in self._by_kind.get(kind, ())
            if row.id == item_id and row.project in (None, project)
        ]
