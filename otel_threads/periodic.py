"""A job that runs every so often in a thread of its own, and survives its failures."""

import logging
import threading
from collections.abc import Callable

from otel_threads.core.errors import describe

logger = logging.getLogger(__name__)


class Periodic:
    """Runs `job` after `first_s` and then every `interval_s`, until closed."""

    def __init__(
        self,
        name: str,
        job: Callable[[], object],
        *,
        interval_s: float,
        first_s: float | None = None,
    ) -> None:
        """Start the thread; `first_s` is the interval when left out."""
        self._name = name
        self._job = job
        self._interval_s = interval_s
        self._first_s = interval_s if first_s is None else first_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def is_stopping(self) -> bool:
        """Tell a job that runs whether it shall end soon."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Begin no other run, and wait for none: the one that runs may outlast its process."""
        self._stopped.set()

    def close(self) -> None:
        """Let the job that runs end, then stop. Safe to call twice."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        pause_s = self._first_s
        while not self._stopped.wait(pause_s):
            pause_s = self._interval_s
            try:
                self._job()
            except Exception as error:  # noqa: BLE001  # a full disk must not end it
                logger.error("%s failed, and will be tried again: %s", self._name, describe(error))
