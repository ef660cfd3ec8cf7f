"""Which turns change with a trace: the rule alone, over rows."""

import pytest

from otel_threads.derive import turn_updates
from otel_threads.derive.turn_updates import (
    Before,
    Stored,
    TurnStart,
    earlier_start,
    first_that_stays,
    longer_than_changed,
)


def starts(kinds: str) -> list[TurnStart]:
    """Beginnings of turns, one a letter: `a`nswered, `f`ailed, `c`ontinues another turn."""
    return [
        TurnStart(
            start_time_unix_nano=n, turn_index=n, has_error=kind == "f", begins_anew=kind != "c"
        )
        for n, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize(
    ("kinds", "stays"),
    [
        ("aaa", 1),  # the first may be joined with what is before the change
        ("a", None),
        ("", None),
        ("caa", 2),  # what continues may continue the change
        ("ccc", None),
        ("faa", 2),  # what follows a failed turn may tell of what was asked in it
        ("ffa", None),
        ("acaa", 2),  # one that continues the first stays with it, and is not where it begins
    ],
)
def test_from_when_on_turns_stay(kinds, stays):
    found = first_that_stays(starts(kinds))

    assert (found.turn_index if found else None) == stays


def before(**changes) -> Before:
    known = {
        "turn_count": 3,
        "start_time_unix_nano": 10,
        "trace_count": 1,
        "failed_from_unix_nano": None,
    }
    return Before(**(known | changes))


def part(start: int = 20, *, continues: bool = False, trace_id: str = "a") -> dict:
    return {
        "start_time_unix_nano": start,
        "trace_id": trace_id,
        "part_index": 0,
        "continues": continues,
    }


def test_a_change_at_the_end_leaves_the_turn_before_it():
    assert earlier_start(20, before(), [part()], has_moved=False) is None
    assert earlier_start(20, before(), [], has_moved=False) is None


def test_a_change_may_belong_to_the_turn_before_it():
    """It continues it, or falls between its traces."""
    assert earlier_start(20, before(), [part(continues=True)], has_moved=False) == 10
    assert earlier_start(20, before(trace_count=2), [part()], has_moved=False) == 10


def test_a_change_may_tell_what_was_asked_in_failed_turns():
    assert earlier_start(20, before(failed_from_unix_nano=5), [part()], has_moved=False) == 5


def test_where_no_turn_is_before_none_changes():
    nothing = before(turn_count=0, start_time_unix_nano=None, trace_count=None)

    assert earlier_start(20, nothing, [part(continues=True)], has_moved=False) is None


def test_it_moves_once_more_only_among_parts_that_begin_together():
    together = [part(continues=True), part(trace_id="b")]

    assert earlier_start(20, before(trace_count=2), together, has_moved=True) == 10
    assert earlier_start(20, before(trace_count=2), together[:1], has_moved=True) is None


def test_turns_that_stay_are_looked_for_in_long_threads_alone():
    key = ("p", "t")
    count = turn_updates.TURNS_AGAIN_MAX
    short = Stored(turn_count=count, end_time_unix_nano=5_000)
    long = Stored(turn_count=count + 1, end_time_unix_nano=5_000)

    assert longer_than_changed({key: short}, {key: 1}) == {}
    assert longer_than_changed({key: long}, {key: 1}) == {key: 1}
    assert longer_than_changed({key: long}, {key: 4_500}) == {}  # the change is its end
    assert longer_than_changed({}, {key: 1}) == {}  # a new thread
