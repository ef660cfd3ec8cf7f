"""Pagination that shows every item once, while items change and move meanwhile.

A page goes on behind the last item's sort value. An item that changes during it may jump
over that place in either direction. So the server remembers what each pagination has shown: what
comes again is left out, and what jumped ahead is shown at the end. One that was forgotten (a
restart, too many at once) goes on by position alone.
"""

import base64
import datetime
import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from otel_threads.core.errors import InvalidQuery

Row = dict[str, Any]
PAGINATIONS_MAX = 256
SHOWN_MAX = 2_000_000  # items remembered over all paginations; some 60 bytes each
_IN_ORDER, _LATE = 0, 1
TEXT_SORTS = ("thread_id", "trace_id", "project", "name")
NO_CURSOR = "cursor is not one that this server gave"


class Pages(Protocol):
    """Fetches rows of a selection, by sort or (None) by key, behind a position."""

    def __call__(
        self, chosen: Row, *, sort: str | None, limit: int, after: Sequence[Any] | None
    ) -> list[Row]: ...


@dataclass(slots=True)
class _Shown:
    started: int  # everything that changed later has a higher sequence
    shown: set[int] = field(default_factory=set)


class Pagination:
    """The paginations that are under way. Any thread may call."""

    def __init__(self) -> None:
        self._under_way: OrderedDict[str, _Shown] = OrderedDict()
        self._lock = threading.Lock()

    def page(
        self,
        pages: Pages,
        chosen: Row,
        *,
        about: Mapping[str, Any],
        sort: str,
        limit: int,
        cursor: str | None,
        position: Callable[[Row, str | None], list[Any]],
        sequence: Callable[[], int],
    ) -> tuple[list[Row], str | None]:
        """Return one page and the cursor of the next, None at the end.

        `about` is what the cursor belongs to: the same must be given with it again.

        Raises:
            InvalidQuery: the cursor is none, or of another query.
        """
        digest = digest_of({**about, "sort": sort})
        token, phase, after = "", _IN_ORDER, None
        if cursor:
            token, phase, *place = open_cursor(cursor, digest, at_least=2)
            if len(place) not in ((0, 2) if phase == _LATE else (3,)) or not _fits(place, sort):
                raise InvalidQuery(NO_CURSOR)
            after = place or None
        started = sequence()
        with self._lock:
            pages_shown = self._under_way.get(token)
            if pages_shown:
                self._under_way.move_to_end(token)
        found: list[Row] = []
        if phase == _IN_ORDER:
            found = self._unseen(pages, chosen, sort, limit, after, pages_shown, position, set())
            if len(found) <= limit:
                phase, after = _LATE, None
        in_order = len(found)
        if phase == _LATE and pages_shown:
            late = {**chosen, "changed_after": pages_shown.started, "known_by": pages_shown.started}
            seen = {_mark(position(row, None)) for row in found}
            found += self._unseen(pages, late, None, limit, after, pages_shown, position, seen)
        if len(found) <= limit:
            with self._lock:
                self._under_way.pop(token, None)
            return found, None
        found = found[:limit]
        if pages_shown is None and not token:
            token, pages_shown = secrets.token_hex(6), _Shown(started)
        if pages_shown:
            self._remember(token, pages_shown, [_mark(position(row, None)) for row in found])
        place = position(found[-1], sort) if phase == _IN_ORDER else []
        if phase == _LATE and len(found) > in_order:  # late rows are in the order of their keys
            place = position(found[-1], None)
        return found, make_cursor(digest, [token, phase, *place])

    def _unseen(
        self,
        pages: Pages,
        chosen: Row,
        sort: str | None,
        limit: int,
        after: Sequence[Any] | None,
        pages_shown: _Shown | None,
        position: Callable[[Row, str | None], list[Any]],
        seen: set[int],
    ) -> list[Row]:
        """Return up to one more than `limit` rows that this pagination has not shown."""
        found: list[Row] = []
        shown = pages_shown.shown if pages_shown else set()
        while True:
            rows = pages(chosen, sort=sort, limit=limit + 1, after=after)
            for row in rows:
                mark = _mark(position(row, None))
                if mark not in shown and mark not in seen:
                    found.append(row)
            if len(rows) <= limit or len(found) > limit:
                return found[: limit + 1]
            after = position(rows[-1], sort)

    def _remember(self, token: str, pages_shown: _Shown, marks: Sequence[int]) -> None:
        with self._lock:
            pages_shown.shown.update(marks)
            self._under_way[token] = pages_shown
            self._under_way.move_to_end(token)
            while len(self._under_way) > 1 and (
                len(self._under_way) > PAGINATIONS_MAX
                or sum(len(one.shown) for one in self._under_way.values()) > SHOWN_MAX
            ):
                self._under_way.popitem(last=False)


def _fits(place: Sequence[Any], sort: str) -> bool:
    """Return whether a cursor's place has the types of its sort and of the keys.

    The database would fail on another: a cursor comes from outside and may be forged.
    """
    *first, project, key = place or ("", "")
    if not isinstance(project, str) or not isinstance(key, str):
        return False
    if not first or first[0] is None:
        return True
    column = sort.removeprefix("-")
    if column.endswith(("_time", "_at")):
        return isinstance(first[0], datetime.datetime)
    if column in TEXT_SORTS:
        return isinstance(first[0], str)
    return isinstance(first[0], int | float) and not isinstance(first[0], bool)


def _mark(keys: Sequence[Any]) -> int:
    return hash(tuple(keys))


def digest_of(about: Mapping[str, Any]) -> str:
    """Return a short text that only the same question has."""
    text = orjson.dumps(about, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.blake2b(text, digest_size=6).hexdigest()


def make_cursor(digest: str, values: Sequence[Any]) -> str:
    """Return an opaque text that holds where a pagination is."""
    plain = [
        {"time": value.isoformat()} if isinstance(value, datetime.datetime) else value
        for value in values
    ]
    return base64.urlsafe_b64encode(orjson.dumps([digest, plain])).decode().rstrip("=")


def open_cursor(cursor: str, digest: str, *, at_least: int = 1) -> list[Any]:
    """Return what a cursor of the same question holds.

    Raises:
        InvalidQuery: it is none of ours, or of another question.
    """
    try:
        found, values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        held = [
            datetime.datetime.fromisoformat(value["time"]) if isinstance(value, dict) else value
            for value in values
        ]
    except (ValueError, TypeError, KeyError):
        raise InvalidQuery(NO_CURSOR) from None
    if found != digest:
        raise InvalidQuery("cursor belongs to another query: same filters and sort are needed")
    if len(held) < at_least or not all(
        isinstance(value, str | int | float | datetime.datetime | None) for value in held
    ):
        raise InvalidQuery(NO_CURSOR)
    return held
