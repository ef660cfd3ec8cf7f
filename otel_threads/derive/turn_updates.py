"""Which turns of a thread change with its traces, and what they become. Pure, over rows.

Nearly always only the end of a thread changes. Turns after a change get another number at most:
else to delete the first turns of long threads, as retention does, would make all that stays again.
The store fetches what is asked for here and replaces rows; it decides nothing of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from otel_threads.core.ports import ThreadKey
from otel_threads.core.trace_rows import PartPlace, PartRow, TurnRow
from otel_threads.derive.merge import merge, order

# So many turns are made again rather than those looked for that stay: at ten million spans that
# takes as long as 10,000 of them, but they take memory.
TURNS_AGAIN_MAX = 2000
# So many beginnings of turns after a change are looked at. Mostly the second is one that stays;
# where none is among these, all are made again, which is right and only slower.
STARTS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is stored of a thread as a whole."""

    turn_count: int
    end_time_unix_nano: int  # to the microsecond, rounded up


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What is stored of a thread before a time. None: there is no such turn."""

    turn_count: int
    start_time_unix_nano: int | None  # of the last turn
    trace_count: int | None  # of that turn
    failed_from_unix_nano: int | None  # where the failed turns begin that it ends with


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStart:
    """A time at which stored turns of a thread begin; of several that do, the first."""

    start_time_unix_nano: int
    turn_index: int
    has_error: bool
    begins_anew: bool  # no part that starts then continues another


def longer_than_changed(
    stored: Mapping[ThreadKey, Stored], changed_until: Mapping[ThreadKey, int]
) -> dict[ThreadKey, int]:
    """Return the threads whose later turns are worth finding, with the end of their change."""
    longer = {
        key: until
        for key, until in changed_until.items()
        if key in stored and stored[key].end_time_unix_nano - 999 > until
    }
    if sum(stored[key].turn_count for key in longer) <= TURNS_AGAIN_MAX:
        return {}
    return longer


def first_that_stays(starts: Iterable[TurnStart]) -> TurnStart | None:
    """Return from when on turns stay as they are, but for their number; None: nobody knows.

    `starts` are those after the change, the earliest first. A part that continues nothing begins
    a turn, whatever is before it. The first such part ends what may be joined otherwise now; a
    turn after that which did not fail ends what later turns may tell of what was asked in failed
    ones.
    """
    is_joined = True  # parts up to here may belong to turns before the change
    before: TurnStart | None = None
    for start in starts:
        if start.begins_anew and before is not None and not is_joined and not before.has_error:
            return start
        is_joined = is_joined and not start.begins_anew
        before = start
    return None


def earlier_start(
    cut_unix_nano: int, before: Before, parts: Sequence[PartPlace], *, has_moved: bool
) -> int | None:
    """Return when turns start that may change with what comes after them; None: none before.

    Turns change from `cut_unix_nano` on, where `parts` begin. They may continue the turn before
    them, or fall between the traces of that turn, or show what was asked in turns that failed.
    `has_moved`: it was earlier already; once more only where a part of the turn before begins at
    that very time.
    """
    if before.start_time_unix_nano is None:
        return None
    is_continued = bool(parts) and min(parts, key=order)["continues"]
    if has_moved:
        alike = [part for part in parts if part["start_time_unix_nano"] == cut_unix_nano]
        return before.start_time_unix_nano if is_continued and len(alike) > 1 else None
    if before.failed_from_unix_nano is not None:
        return before.failed_from_unix_nano
    if is_continued or (before.trace_count or 0) > 1:
        return before.start_time_unix_nano
    return None


def turns_of(parts: Iterable[PartRow], *, first_index: int = 0) -> list[TurnRow]:
    """Return the turns that parts of one thread make, oldest first, numbered from an index on."""
    turns = merge(parts)
    for index, turn in enumerate(turns, first_index):
        turn["turn_index"] = index
    return turns
