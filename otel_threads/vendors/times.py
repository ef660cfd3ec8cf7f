"""Times as SDKs write them: ISO 8601 with or without an offset, or a number since the epoch."""

import datetime
import math

from otel_threads import unix_nano as nanoseconds

# A number says its unit by its size: of today's times these are apart by a factor of thousand.
_UNITS = ((1e11, 1_000_000_000), (1e14, 1_000_000), (1e17, 1_000))  # seconds, milli-, microseconds


def unix_nano(value: object) -> int | None:
    """Return a time in nanoseconds since the Unix epoch, within what a column holds.

    A text without an offset is in UTC. None for what is no time.
    """
    match value:
        case bool():
            return None
        case int() | float():
            return _of_number(value)
        case str():
            return _of_text(value.strip())
        case _:
            return None


def iso(nanos: int) -> str:
    """Return a time as SDKs read it: ISO 8601 in UTC with six digits of a second."""
    return nanoseconds.time_of(nanos).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _of_number(value: float) -> int | None:
    if not math.isfinite(value) or value < 0:
        return None
    unit = next((unit for below, unit in _UNITS if value < below), 1)
    return min(int(value * unit), nanoseconds.MAX)


def _of_text(text: str) -> int | None:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return min(max(nanoseconds.of_time(moment), 0), nanoseconds.MAX)
