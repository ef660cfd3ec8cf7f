"""Deletes what is old: by hand slice by slice, and by itself as the settings say."""

import datetime
import logging
import math
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from otel_threads.core.changes import OldRows, Pruned
from otel_threads.core.errors import InvalidQuery
from otel_threads.core.limits import PRUNE_TRACES_MAX, RETENTION_DAYS_MAX
from otel_threads.core.ports import ThreadKey
from otel_threads.metrics import PRUNED_TRACES
from otel_threads.services.project_choice import ALL_PROJECTS
from otel_threads.store.retention import Retention

Slice = tuple[OldRows, list[ThreadKey]]  # what was deleted, and the threads that changed
logger = logging.getLogger(__name__)
SIZE_SHARE = 0.02  # of all traces, deleted between two looks at the size
ALONE_TIMEOUT_S = 300.0
_NONE = OldRows(trace_count=0, span_count=0, thread_count=0)


class PruningService:
    """Deletes old traces between passes of the deriver."""

    def __init__(
        self,
        retention: Retention,
        *,
        alone: Callable[[Callable[[], Slice]], "Future[Slice]"],
        on_change: Callable[[Iterable[ThreadKey]], None],
        retention_days: float,
        retention_bytes: int,
    ) -> None:
        """`alone` runs a job while nothing is derived; the last two are settings, 0 for none."""
        self._retention = retention
        self._alone = alone
        self._on_change = on_change
        self._days = retention_days
        self._bytes = retention_bytes

    def prune(
        self,
        *,
        older_than_days: float | None = None,
        project: str | None = None,
        used_bytes_max: int | None = None,
        traces_max: int = PRUNE_TRACES_MAX,
        dry_run: bool = False,
    ) -> Pruned:
        """Delete a slice of the oldest traces, or with `dry_run` count what all slices would.

        Either by age, or (over all projects) until the rows take no more than `used_bytes_max`.
        `remaining` traces of the answer are to be deleted by the next calls.

        Raises:
            InvalidQuery: neither or both ways are asked for, or a number cannot be.
        """
        if (older_than_days is None) == (used_bytes_max is None):
            raise InvalidQuery("give either older_than_days or used_bytes_max")
        if not 1 <= traces_max <= PRUNE_TRACES_MAX:
            raise InvalidQuery(f"traces_max {traces_max} is not between 1 and {PRUNE_TRACES_MAX}")
        name = None if project in (None, ALL_PROJECTS) else project
        if used_bytes_max is not None:
            if name is not None:
                raise InvalidQuery("used_bytes_max is about the whole file: leave project out")
            return self._by_size(used_bytes_max, traces_max, dry_run=dry_run)
        assert older_than_days is not None
        before = _ago(older_than_days)
        if dry_run:
            found = self._retention.totals(before, project=name)
            left = found.trace_count
        else:
            found = self._slice(before, name, (), traces_max)
            left = self._retention.count(before, project=name)
            if not left:
                self._retention.delete_loose_logs(before, project=name)
                self._retention.checkpoint()
        return _pruned(found, remaining=left, used_bytes=self._retention.used_bytes())

    def keep_to_settings(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Delete all that the settings no longer keep; return how many traces that were.

        Not within a day of a jump of the clock by an hour and more: there is no way back.
        """
        if self._retention.clock_jumped():
            logger.warning("retention waits for a day: the clock jumped forward")
            return 0
        own = self._retention.own()
        rules: list[tuple[float, str | None, tuple[str, ...]]] = [
            (days, project, ()) for project, days in own.items()
        ]
        rules.append((self._days, None, tuple(own)))
        deleted = 0
        for days, project, others in rules:
            if days <= 0:
                continue
            before = _ago(days)
            while not stopped() and (
                done := self._slice(before, project, others, PRUNE_TRACES_MAX).trace_count
            ):
                deleted += done
            self._retention.delete_loose_logs(before, project=project, others=others)
        while self._bytes and not stopped():
            found = self._by_size(self._bytes, PRUNE_TRACES_MAX, dry_run=False)
            deleted += found.trace_count
            if not found.remaining:
                break
        if deleted:
            self._retention.checkpoint()
            logger.info("retention: %d traces deleted", deleted)
        return deleted

    def _by_size(self, used_bytes_max: int, traces_max: int, *, dry_run: bool) -> Pruned:
        if used_bytes_max < 0:
            raise InvalidQuery(f"used_bytes_max {used_bytes_max} is negative")
        self._retention.checkpoint()
        used_bytes = self._retention.used_bytes()
        over = 1 - used_bytes_max / used_bytes if used_bytes > used_bytes_max else 0.0
        count = self._retention.count(_ago(0), project=None)
        wanted = math.ceil(over * count)
        if dry_run or not wanted:
            found = self._retention.totals(_ago(0), project=None) if wanted else _NONE
            return Pruned(
                trace_count=wanted,
                span_count=int(over * found.span_count),
                thread_count=int(over * found.thread_count),
                remaining=wanted,
                used_bytes=used_bytes,
            )
        most = max(1, min(traces_max, wanted, int(SIZE_SHARE * count) + 1))
        done = self._slice(_ago(0), None, (), most)
        self._retention.checkpoint()
        left = self._retention.used_bytes()
        more = max(1, wanted - most) if left > used_bytes_max else 0
        return _pruned(done, remaining=more, used_bytes=left)

    def _slice(
        self,
        before: datetime.datetime,
        project: str | None,
        others: tuple[str, ...],
        traces_max: int,
    ) -> OldRows:
        def job() -> Slice:
            return self._retention.delete_slice(
                before, project=project, others=others, traces_max=traces_max
            )

        done, changed = self._alone(job).result(ALONE_TIMEOUT_S)
        self._on_change(changed)
        PRUNED_TRACES.inc(done.trace_count)
        return done


def _pruned(rows: OldRows, *, remaining: int, used_bytes: int) -> Pruned:
    return Pruned(
        trace_count=rows.trace_count,
        span_count=rows.span_count,
        thread_count=rows.thread_count,
        remaining=remaining,
        used_bytes=used_bytes,
    )


def _ago(days: float) -> datetime.datetime:
    if not 0 <= days <= RETENTION_DAYS_MAX:
        raise InvalidQuery(f"older_than_days {days} is not between 0 and {RETENTION_DAYS_MAX:.0f}")
    now = datetime.datetime.now(datetime.UTC)
    try:
        return now - datetime.timedelta(days=days)
    except OverflowError:
        return datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)
