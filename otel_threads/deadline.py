"""How long the caller still waits: carried along with a call, and known to the query it runs."""

import contextvars
import threading
import time
from collections.abc import Callable


class Deadline:
    """Ends at a time, or when the caller hangs up."""

    def __init__(self, remaining_s: float | None) -> None:
        self._ends = None if remaining_s is None else time.monotonic() + remaining_s
        self._lock = threading.Lock()
        self._interrupt: Callable[[], object] | None = None
        self.cancelled = False

    def remaining_s(self, most: float) -> float:
        """Return the seconds that are left, at most `most`."""
        return most if self._ends is None else max(0.0, min(most, self._ends - time.monotonic()))

    def watch(self, interrupt: Callable[[], object] | None) -> None:
        """Say what stops the work that runs now; None when none runs."""
        with self._lock:
            self._interrupt = interrupt
            if self.cancelled and interrupt:
                interrupt()

    def cancel(self) -> None:
        """Stop the work: nobody waits for its result."""
        with self._lock:
            self.cancelled = True
            if self._interrupt:
                self._interrupt()


current: contextvars.ContextVar[Deadline | None] = contextvars.ContextVar("deadline", default=None)
