"""Who reads the file beside DuckDB holds this lock shared; a checkpoint holds it alone."""

import contextlib
import threading
import time
from collections.abc import Iterator

from otel_threads.core.errors import Unavailable


class CheckpointLock:
    """For many readers or one checkpoint. A checkpoint that waits goes before new readers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._alone = False
        self._waiting = 0  # checkpoints

    @contextlib.contextmanager
    def shared(self, timeout_s: float | None = None) -> Iterator[None]:
        """Keep checkpoints off meanwhile.

        Raises:
            Unavailable: a checkpoint was under way, or waited, for `timeout_s`.
        """
        with self._changed:
            free = self._changed.wait_for(lambda: not self._alone and not self._waiting, timeout_s)
            if not free:
                raise Unavailable(
                    f"the database was busy with a checkpoint for {timeout_s:g} s; try again"
                )
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    def acquire(self, *, timeout_s: float | None) -> bool:
        """Take the lock alone; 0 does not wait, None waits as long as it takes."""
        ends = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            self._waiting += 1
            try:
                remaining_s = None if ends is None else max(0.0, ends - time.monotonic())
                free = self._changed.wait_for(
                    lambda: not self._alone and not self._readers, remaining_s
                )
                self._alone = self._alone or free
                return free
            finally:
                self._waiting -= 1
                self._changed.notify_all()

    def release(self) -> None:
        """Give it back."""
        with self._changed:
            self._alone = False
            self._changed.notify_all()
