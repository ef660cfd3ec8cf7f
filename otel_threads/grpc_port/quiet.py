"""What gRPC's server logs of single calls: one line a minute, and nothing that a client chose.

It writes a stack trace for each header that is no UTF-8, with the header in it: anybody could fill
the disk.
"""

import logging
import time

LOGGER = "grpc._cython.cygrpc"
EVERY_S = 60.0


class OneAMinute(logging.Filter):
    """Lets one record through a minute, without its text, with the number of those before."""

    def __init__(self) -> None:
        """Let the first one through."""
        super().__init__()
        self._next_s = 0.0
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be written, and take its text away."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            self._left_out += 1
            return False
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "no error"
        record.msg = "gRPC reported on a call: %s; %s such reports before were left out"
        record.args = (kind, self._left_out)
        record.exc_info = record.exc_text = None
        self._next_s, self._left_out = now_s + EVERY_S, 0
        return True


def install() -> None:
    """Filter what gRPC logs in this process. Safe to call twice."""
    logger = logging.getLogger(LOGGER)
    if not any(isinstance(one, OneAMinute) for one in logger.filters):
        logger.addFilter(OneAMinute())
