"""Counts what a limit refuses, and logs it at most once a minute for each port and reason.

A flood must be seen by an operator, and must not fill the log.
"""

import logging
import time
from collections.abc import Callable

from otel_threads.metrics import REFUSED

logger = logging.getLogger(__name__)

LOG_EVERY_S = 60.0


class Refusals:
    """The refusals of one port."""

    def __init__(self, port: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Count for a port under the name that it has in the metrics. `clock` is in seconds."""
        self._port = port
        self._clock = clock
        self._unlogged: dict[str, int] = {}
        self._logged_s: dict[str, float] = {}

    def add(self, reason: str, explanation: str) -> None:
        """Count one refusal; log it, with all that were not logged, when a minute has passed.

        `reason` is a word of ours and becomes a label; `explanation` says the number, the setting
        and what to do. Neither may hold anything that a client sent.
        """
        self.add_quietly(reason)
        self._unlogged[reason] = self._unlogged.get(reason, 0) + 1
        now_s = self._clock()
        if now_s - self._logged_s.get(reason, -LOG_EVERY_S) < LOG_EVERY_S:
            return
        self._logged_s[reason] = now_s
        logger.warning(
            "%s refused: %s (%s; %d since the last such line)",
            self._port,
            explanation,
            reason,
            self._unlogged.pop(reason),
        )

    def add_quietly(self, reason: str) -> None:
        """Count what happens every day and needs nobody's attention."""
        REFUSED.labels(self._port, reason).inc()
