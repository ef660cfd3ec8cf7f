"""Times as columns hold them: nanoseconds since 1970 in signed 64 bits, up to the year 2262."""

import datetime

MAX = 2**63 - 1
_EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)


def of_time(time: datetime.datetime) -> int:
    """Return a time with a zone; a time of the store is whole in microseconds."""
    return (time - _EPOCH) // _MICROSECOND * 1000


def later(nanos: int, by_ns: int) -> int:
    """Return a time that is later by so much, or the last one that a column can hold."""
    return min(nanos + by_ns, MAX)


def end_of(time: datetime.datetime) -> int:
    """Return the last nanosecond of a time's microsecond that a column can hold."""
    return later(of_time(time), 999)


def time_of(nanos: int) -> datetime.datetime:
    """Return the time of so many nanoseconds, in UTC."""
    return _EPOCH + datetime.timedelta(microseconds=nanos // 1000)
