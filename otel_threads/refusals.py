"""Counts what a port refuses, and logs it at most once a minute for each port and reason.

A flood must be seen by an operator, and must not fill the log. What was refused is also kept for
`GET /api/v1/status`: who looks there first must not think that nothing was sent.
"""

import datetime
import logging
import time
from collections.abc import Callable

from otel_threads.core.status import RefusedRequests
from otel_threads.metrics import REFUSED

logger = logging.getLogger(__name__)

LOG_EVERY_S = 60.0


class Refusals:
    """The refusals of one port since the server started."""

    def __init__(self, port: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Count for a port under the name that it has in the metrics. `clock` is in seconds."""
        self._port = port
        self._clock = clock
        self._unlogged: dict[str, int] = {}
        self._logged_s: dict[str, float] = {}
        self._kept: dict[str, RefusedRequests] = {}

    def add(self, reason: str, explanation: str) -> None:
        """Count one refusal; log it, with all that were not logged, when a minute has passed.

        `reason` is a word of ours and becomes a label; `explanation` says the number, the setting
        and what to do. Neither may hold anything that a client sent.
        """
        self.add_quietly(reason)
        self._keep(reason, explanation)
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

    def kept(self) -> list[RefusedRequests]:
        """Return what `add` was told, one a reason, the most frequent first. From any thread."""
        return sorted(self._kept.copy().values(), key=lambda one: (-one.count, one.reason))

    def _keep(self, reason: str, explanation: str) -> None:
        before = self._kept.get(reason)
        self._kept[reason] = RefusedRequests(
            port=self._port,
            reason=reason,
            explanation=explanation,
            count=1 + (before.count if before else 0),
            last_at=datetime.datetime.now(datetime.UTC),
        )
