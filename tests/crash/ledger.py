"""What a sender knows: which spans, log records and scores it sent, and which the server acknowledged.

Times are `time.monotonic_ns()`: one clock for all processes of a machine, so that a ledger can be
held against a recording of the disk (`disk.py`). A ledger does not know how anything is sent.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Entry:
    """The life of one span, log record or score, as its sender saw it; None: not yet."""

    sent_ns: int
    acknowledged_ns: int | None = None
    delete_sent_ns: int | None = None
    deleted_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a database must hold and must not hold at one moment; what is in neither may be there."""

    present: frozenset[str]
    absent: frozenset[str]


@dataclass(frozen=True, slots=True)
class Losses:
    """How a database differs from what was acknowledged; empty when it does not."""

    missing: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    undeleted: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.twice or self.undeleted or self.unknown)

    def __str__(self) -> str:
        parts = (
            (f"{len(keys)} {word} (such as {keys[0]})" for word, keys in self._named() if keys)
            if self
            else ("nothing lost",)
        )
        return ", ".join(parts)

    def _named(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return (
            ("missing", self.missing),
            ("twice", self.twice),
            ("undeleted", self.undeleted),
            ("unknown", self.unknown),
        )


@dataclass(slots=True)
class Ledger:
    """Entries by key, such as `span:00f0…`; any thread may write."""

    entries: dict[str, Entry] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, keys: Iterable[str]) -> None:
        """Note before sending; a second sending changes nothing."""
        now = time.monotonic_ns()
        with self._lock:
            for key in keys:
                self.entries.setdefault(key, Entry(now))

    def acknowledged(self, keys: Iterable[str]) -> None:
        """Note once the whole response has been read."""
        now = time.monotonic_ns()
        with self._lock:
            for key in keys:
                entry = self.entries[key]
                if entry.acknowledged_ns is None:
                    entry.acknowledged_ns = now

    def delete_sent(self, keys: Iterable[str]) -> None:
        """Note before a deletion is asked for: from now on the entries may be there or not."""
        now = time.monotonic_ns()
        with self._lock:
            for key in keys:
                entry = self.entries[key]
                if entry.delete_sent_ns is None:
                    entry.delete_sent_ns = now

    def deleted(self, keys: Iterable[str]) -> None:
        """Note once the response to a deletion has been read."""
        now = time.monotonic_ns()
        with self._lock:
            for key in keys:
                self.entries[key].deleted_ns = now

    def expected(self, at_ns: int | None = None) -> Expected:
        """Return what must be on the disk of a machine that stopped at a time; None: now."""
        at = time.monotonic_ns() if at_ns is None else at_ns
        with self._lock:
            items = list(self.entries.items())
        return Expected(
            present=frozenset(
                key
                for key, entry in items
                if _before(entry.acknowledged_ns, at) and not _before(entry.delete_sent_ns, at)
            ),
            absent=frozenset(key for key, entry in items if _before(entry.deleted_ns, at)),
        )

    def acknowledged_count(self) -> int:
        """Return how many entries were acknowledged, deleted ones too."""
        with self._lock:
            return sum(entry.acknowledged_ns is not None for entry in self.entries.values())

    def losses(self, stored: Mapping[str, int], expected: Expected | None = None) -> Losses:
        """Compare with what a database holds: how often it holds each key."""
        wanted = expected or self.expected()
        with self._lock:
            unknown = tuple(sorted(stored.keys() - self.entries.keys()))
        return Losses(
            missing=tuple(sorted(wanted.present - stored.keys())),
            twice=tuple(sorted(key for key, count in stored.items() if count > 1)),
            undeleted=tuple(sorted(wanted.absent & stored.keys())),
            unknown=unknown,
        )


def _before(time_ns: int | None, at_ns: int) -> bool:
    return time_ns is not None and time_ns <= at_ns
