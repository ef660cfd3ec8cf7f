"""Pagination that shows every item once, while items change and move meanwhile.

A page goes on behind the last item's sort value. An item that changes during it may jump
over that place in either direction. So the server remembers what each pagination has shown: what
comes again is left out, and what jumped ahead is shown at the end. One that was forgotten (a
restart, too many at once) goes on by position alone.
"""

import base64
import dataclasses
import datetime
import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import orjson

from otel_threads.core.errors import InvalidQuery
from otel_threads.core.filters import score_sort
from otel_threads.core.page import Page
from otel_threads.store.read.list_query import Selection
from otel_threads.store.read.stored_items import Place

PAGINATIONS_MAX = 256
SHOWN_MAX = 2_000_000  # items remembered over all paginations; some 60 bytes each
_IN_ORDER, _LATE = 0, 1
TEXT_SORTS = ("thread_id", "trace_id", "project", "name")
NO_CURSOR = "cursor is not one that this server gave"


class Placed(Protocol):
    """An item of the store that knows where it stands in a list."""

    def place(self, column: str | None) -> list[Place]:
        """Return its value of the column that is sorted by, if one is named, and its key."""


Item = TypeVar("Item", bound=Placed)
Listed = TypeVar("Listed")


class Pages(Protocol[Item]):
    """Fetches items of a selection, by sort or (None) by key, behind a place."""

    def __call__(
        self, selection: Selection, *, sort: str | None, limit: int, after: Sequence[Place] | None
    ) -> list[Item]:
        """Return at most `limit` of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrder:
    """How a list is sorted: `sort` as the caller wrote it, `column` as the store calls it.

    Without them it is in the order of its keys. `limit` is how many items a page has.
    """

    sort: str | None = None
    column: str | None = None
    limit: int


@dataclass(slots=True)
class _Shown:
    started: int  # everything that changed later has a higher sequence
    marks: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Cursor:
    token: str = ""  # of the pagination that the server remembers
    phase: int = _IN_ORDER
    after: Sequence[Place] | None = None


class Pagination:
    """The paginations that are under way. Any thread may call."""

    def __init__(self) -> None:
        self._under_way: OrderedDict[str, _Shown] = OrderedDict()
        self._lock = threading.Lock()

    def page(
        self,
        pages: Pages[Item],
        selection: Selection,
        order: ListOrder,
        *,
        about: Mapping[str, object],
        cursor: str | None,
        sequence: Callable[[], int],
    ) -> tuple[list[Item], str | None]:
        """Return one page and the cursor of the next, None at the end.

        `about` is what the cursor belongs to: the same must be given with it again. `sequence`
        is the last commit that lists show.

        Raises:
            InvalidQuery: the cursor is none, or of another query.
        """
        digest = digest_of({**about, "sort": order.sort})
        at = _opened(cursor, digest, order.sort) if cursor else _Cursor()
        started = sequence()
        shown = self._shown(at.token)
        found, late = self._found(pages, selection, order, at, shown)
        if len(found) + len(late) <= order.limit:
            self._forget(at.token)
            return found + late, None
        in_order = len(found)
        page = (found + late)[: order.limit]
        token = at.token
        if shown is None and not token:
            token, shown = secrets.token_hex(6), _Shown(started)
        if shown:
            self._remember(token, shown, map(_mark, page))
        place = [_IN_ORDER, *page[-1].place(order.column)]
        if at.phase != _IN_ORDER or in_order <= order.limit:
            # Late items are in the order of their keys; none may have been shown yet.
            place = [_LATE, *(page[-1].place(None) if len(page) > in_order else ())]
        return page, make_cursor(digest, [token, *place])

    def _found(
        self,
        pages: Pages[Item],
        selection: Selection,
        order: ListOrder,
        at: _Cursor,
        shown: _Shown | None,
    ) -> tuple[list[Item], list[Item]]:
        """Return items in order, and those that jumped: together a page and more if there is."""
        found: list[Item] = []
        if at.phase == _IN_ORDER:
            found = _unseen(pages, selection, order, at.after, shown.marks if shown else set())
            if len(found) > order.limit:
                return found, []
        if shown is None:
            return found, []
        jumped = dataclasses.replace(selection, changed_after=shown.started, known_by=shown.started)
        after = at.after if at.phase == _LATE else None
        by_key = ListOrder(limit=order.limit)
        here = {_mark(item) for item in found}
        return found, _unseen(pages, jumped, by_key, after, shown.marks, here)

    def _shown(self, token: str) -> _Shown | None:
        with self._lock:
            shown = self._under_way.get(token)
            if shown:
                self._under_way.move_to_end(token)
            return shown

    def _forget(self, token: str) -> None:
        with self._lock:
            self._under_way.pop(token, None)

    def _remember(self, token: str, shown: _Shown, marks: Iterable[int]) -> None:
        with self._lock:
            shown.marks.update(marks)
            self._under_way[token] = shown
            self._under_way.move_to_end(token)
            while len(self._under_way) > 1 and (
                len(self._under_way) > PAGINATIONS_MAX
                or sum(len(one.marks) for one in self._under_way.values()) > SHOWN_MAX
            ):
                self._under_way.popitem(last=False)


def _unseen(
    pages: Pages[Item],
    selection: Selection,
    order: ListOrder,
    after: Sequence[Place] | None,
    *shown: set[int],
) -> list[Item]:
    """Return items that were not shown: one more than a page has, if there are as many."""
    found: list[Item] = []
    while True:
        items = pages(selection, sort=order.sort, limit=order.limit + 1, after=after)
        for item in items:
            mark = _mark(item)
            if not any(mark in marks for marks in shown):
                found.append(item)
        if len(items) <= order.limit or len(found) > order.limit:
            return found[: order.limit + 1]
        after = items[-1].place(order.column)


def _mark(item: Placed) -> int:
    return hash(tuple(item.place(None)))


def _opened(cursor: str, digest: str, sort: str | None) -> _Cursor:
    token, phase, *place = open_cursor(cursor, digest, at_least=2)
    lengths = (0, 2) if phase == _LATE else (3,)
    if len(place) not in lengths or not _fits(place, sort or ""):
        raise InvalidQuery(NO_CURSOR)
    if not isinstance(token, str) or not isinstance(phase, int):
        raise InvalidQuery(NO_CURSOR)
    return _Cursor(token, phase, place or None)


def open_place(cursor: str, digest: str, sort: str, *, keys: int) -> list[Place]:
    """Return where a list goes on whose items stay in place: the value of its sort, then the keys.

    Raises:
        InvalidQuery: as `open_cursor`.
    """
    place = open_cursor(cursor, digest)
    if len(place) != 1 + keys or not _fits(place, sort, keys=keys):
        raise InvalidQuery(NO_CURSOR)
    return place


def _fits(place: Sequence[Place], sort: str, *, keys: int = 2) -> bool:
    """Return whether a cursor's place has the types of its sort and of the keys.

    The database would fail on another: a cursor comes from outside and may be forged.
    """
    first, named = place[:-keys], place[-keys:]
    if not all(isinstance(key, str) for key in named):
        return False
    if not first or first[0] is None:
        return True
    column = sort.removeprefix("-")
    if score_sort(column):
        column = "score"  # whose name may end as that of a time does
    if column.endswith(("_time", "_at")):
        return isinstance(first[0], datetime.datetime)
    if column in TEXT_SORTS:
        return isinstance(first[0], str)
    return isinstance(first[0], int | float) and not isinstance(first[0], bool)


def digest_of(about: Mapping[str, object]) -> str:
    """Return a short text that only the same query has; null is as if it were left out."""
    told = {name: value for name, value in about.items() if value is not None}
    text = orjson.dumps(told, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.blake2b(text, digest_size=6).hexdigest()


def make_cursor(digest: str, values: Sequence[Place]) -> str:
    """Return an opaque text that holds where a pagination is."""
    plain = [
        {"time": value.isoformat()} if isinstance(value, datetime.datetime) else value
        for value in values
    ]
    return base64.urlsafe_b64encode(orjson.dumps([digest, plain])).decode().rstrip("=")


def open_cursor(cursor: str, digest: str, *, at_least: int = 1) -> list[Place]:
    """Return what a cursor of the same query holds.

    Raises:
        InvalidQuery: it is none of ours, or of another query.
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


def part_of(
    whole: Sequence[Listed],
    digest: str,
    *,
    limit: int | None,
    cursor: str | None,
    with_total: bool = True,
) -> Page[Listed]:
    """Return a page of a list that is here whole; all of it without a limit.

    Raises:
        InvalidQuery: as `open_cursor`.
    """
    offset = open_offset(cursor, digest)
    until = len(whole) if limit is None else offset + limit
    return Page(
        items=list(whole[offset:until]),
        next_cursor=make_cursor(digest, [until]) if until < len(whole) else None,
        total=len(whole) if with_total else None,
    )


def open_offset(cursor: str | None, digest: str) -> int:
    """Return how many items the pages before had; 0 without a cursor.

    Raises:
        InvalidQuery: as `open_cursor`.
    """
    offset = open_number(cursor, digest) if cursor else 0
    if offset < 0:
        raise InvalidQuery(NO_CURSOR)
    return offset


def open_number(cursor: str, digest: str) -> int:
    """Return what a cursor holds whose only value is a number: an index or an offset.

    Raises:
        InvalidQuery: as `open_cursor`.
    """
    number = open_cursor(cursor, digest)[0]
    if type(number) is not int:  # a bool is one, too, and no number
        raise InvalidQuery(NO_CURSOR)
    return number
