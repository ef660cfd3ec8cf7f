"""How long a query may look at runs."""

import time
from collections.abc import Callable

from otel_threads.core.errors import QueryTimeout

SCAN_S_MAX = 8.0  # SDKs wait for 10 s


class Deadline:
    """The end of the time that one request has."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._end_s = clock_s() + SCAN_S_MAX

    def check(self) -> None:
        """Return while there is time.

        Raises:
            QueryTimeout: there is none left.
        """
        if self._clock_s() > self._end_s:
            raise QueryTimeout(
                f"the query looked at runs for {SCAN_S_MAX:g} s: name a thread, a trace,"
                " a run type or a start_time"
            )
