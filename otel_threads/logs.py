"""How log lines look: text for people, or one JSON object a line for programs."""

import datetime
import logging
import sys
from typing import Any, Literal

from otel_threads import terminal


class TextFormatter(logging.Formatter):
    """A line for people; whatever the message holds, it is one line, and a traceback below."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # logging's name
        """Return the line."""
        return terminal.escaped_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # logging's name
        """Return the traceback."""
        return terminal.escaped(super().formatException(ei))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339), level, logger, message, and where it failed."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return terminal.as_json(line)


def install(kind: Literal["text", "json"], *, level: int) -> None:
    """Send the process's log to stderr in that form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if kind == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
