"""What callers may write, beyond the types of bodies: names, texts, ids, how many at once."""

from collections.abc import Sequence

from otel_threads import names
from otel_threads.core import score
from otel_threads.core.errors import InvalidQuery
from otel_threads.core.limits import ITEMS_MAX, NAME_LENGTH_MAX


def check_count(what: str, items: Sequence[object]) -> None:
    """Return when as many items may be written at once.

    Raises:
        InvalidQuery: they are none, or too many.
    """
    if not 1 <= len(items) <= ITEMS_MAX:
        raise InvalidQuery(f"{len(items)} {what}; between 1 and {ITEMS_MAX} are taken at once")


def check_name(what: str, value: str) -> None:
    """Return when a text may be a name.

    Raises:
        InvalidQuery: it is empty, too long, or has characters that no name has.
    """
    check_text(what, value, NAME_LENGTH_MAX)
    if fault := names.fault(value):
        raise InvalidQuery(f"{what} {fault}")


def check_value(what: str, value: float) -> None:
    """Return when a number may be the value of a score, or a bound of one.

    Raises:
        InvalidQuery: it is not finite, or too far from 0.
    """
    if fault := score.fault(value):
        raise InvalidQuery(f"{what} {value:g} {fault}")


def check_text(what: str, value: str, length_max: int, *, empty: bool = False) -> None:
    """Return when a text may be kept.

    Raises:
        InvalidQuery: it is empty where it must not be, or too long.
    """
    if not (empty or value.strip()):
        raise InvalidQuery(f"{what} is missing")
    if len(value) > length_max:
        raise InvalidQuery(f"{what} has {len(value)} characters; at most {length_max} are kept")
