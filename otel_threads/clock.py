"""Notices when this machine's clock is set, so that nothing ages by the jump."""

import logging
import threading
import time
from collections.abc import Callable

from otel_threads.core.errors import describe

logger = logging.getLogger(__name__)

STEP_MS_MIN = 2000.0  # smaller ones are drift, and change no status that anybody would notice
INTERVAL_S = 1.0


class ClockWatch:
    """Compares the wall clock with one that cannot be set, once a second, in its own thread."""

    def __init__(
        self,
        *,
        on_step: Callable[[float], object],
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        interval_s: float = INTERVAL_S,
    ) -> None:
        """`on_step` hears of each jump in milliseconds, forward positive."""
        self._on_step = on_step
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Compare the clocks now."""
        offset = self._wall() - self._steady()
        step_ms = (offset - self._offset) * 1000
        if abs(step_ms) >= STEP_MS_MIN:
            self._on_step(step_ms)
            self._offset = offset  # only once it is remembered: else the next look tries again

    def close(self) -> None:
        """Stop looking. Safe to call twice."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            try:
                self.check()
            except Exception as error:  # noqa: BLE001  # a full disk must not end the watch
                logger.error("a jump of the clock was not stored: %s", describe(error))
