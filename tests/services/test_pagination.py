"""Pagination meets every thread once, while threads arrive and change."""

import random
from dataclasses import dataclass

import pytest
from builders import a_chat, a_request
from conftest import Server

from otel_threads.core.errors import InvalidQuery
from otel_threads.services.pagination import ListOrder, Pagination
from otel_threads.store.read.list_query import Selection

SORTS = [
    "-last_activity_time",
    "last_activity_time",
    "-turn_count",
    "turn_count",
    "thread_id",
    "cost_usd",
]


@pytest.mark.parametrize("sort", SORTS)
def test_nothing_is_skipped_or_shown_twice_under_ingest(server: Server, sort):
    name = f"walk-{SORTS.index(sort)}"
    ids = [f"t-{n:03}" for n in range(60)]
    server.post(a_request(*(a_chat(one, "hi", "ho") for one in ids)), x_otel_threads_project=name)
    server.wait_derived()
    dice = random.Random(4)
    met, cursor = [], None
    while True:
        query = {"project": name, "limit": 7, "sort": sort} | ({"cursor": cursor} if cursor else {})
        page = server.get("/threads", **query)
        met += [thread["thread_id"] for thread in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
        again = [a_chat(one, "more", "words") for one in dice.sample(ids, 12)]
        new = [a_chat(f"new-{len(met)}-{n}", "hi", "ho") for n in range(3)]
        server.post(a_request(*again, *new), x_otel_threads_project=name)
        server.wait_derived()
    assert len(met) == len(set(met))
    assert set(ids) <= set(met)


@dataclass
class Row:
    """An item of the store as far as pagination knows it."""

    key: str
    sort: int
    changed: int = 0

    def place(self, column):
        return [self.sort, "p", self.key] if column else ["p", self.key]


class Rows:
    """Rows in memory that answer pages as the store does, by number."""

    def __init__(self, count: int) -> None:
        self.rows = {f"{n:03}": Row(f"{n:03}", n) for n in range(count)}

    def __call__(self, selection, *, sort, limit, after):
        changed_after = -1 if selection.changed_after is None else selection.changed_after
        rows = [row for row in self.rows.values() if row.changed > changed_after]
        column = "sort" if sort else None
        rows.sort(key=lambda row: row.place(column))
        if after:
            rows = [row for row in rows if row.place(column) > [*after]]
        return rows[:limit]


def meet_all(pagination, rows, change, limit=3):
    met, cursor = [], None
    clock = iter(range(1, 10_000))
    while True:
        found, cursor = pagination.page(
            rows,
            Selection(),
            ListOrder(sort="sort", column="sort", limit=limit),
            about={},
            cursor=cursor,
            sequence=lambda: max(row.changed for row in rows.rows.values()),
        )
        met += [row.key for row in found]
        if not cursor:
            return met
        change(rows, next(clock))


@pytest.mark.parametrize("seed", range(30))
def test_rows_that_jump_are_met_once(seed):
    dice = random.Random(seed)
    rows = Rows(dice.randrange(1, 30))

    def jump(rows, now):
        for key in dice.sample(sorted(rows.rows), dice.randrange(len(rows.rows))):
            rows.rows[key].sort, rows.rows[key].changed = dice.randrange(-10, 40), now

    met = meet_all(Pagination(), rows, jump, limit=dice.randrange(1, 6))
    assert sorted(met) == sorted(rows.rows)


def test_a_cursor_of_another_question_is_refused():
    rows, order = Rows(10), ListOrder(sort="sort", column="sort", limit=3)
    given = {"cursor": None, "sequence": lambda: 0}
    _, cursor = Pagination().page(rows, Selection(), order, about={"a": 1}, **given)
    for other in ("x", cursor[:-3], cursor + "A", cursor):
        with pytest.raises(InvalidQuery):
            Pagination().page(rows, Selection(), order, about={"a": 2}, **given | {"cursor": other})
