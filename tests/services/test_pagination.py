"""A walk over pages meets every thread once, while threads arrive and change."""

import random

import pytest
from builders import a_chat, a_request
from conftest import Server

from otel_threads.core.errors import InvalidQuery
from otel_threads.services.pagination import Walks

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


class Rows:
    """Rows in memory that answer pages as the store does, by number."""

    def __init__(self, count: int) -> None:
        self.rows = {n: {"key": n, "sort": n, "changed": 0} for n in range(count)}

    def __call__(self, chosen, *, sort, limit, after):
        rows = [r for r in self.rows.values() if r["changed"] > chosen.get("changed_after", -1)]
        rows.sort(key=lambda r: (r["sort"] if sort else 0, r["key"]))
        if after:
            place = tuple(after) if sort else (0, after[-1])
            rows = [r for r in rows if ((r["sort"] if sort else 0), r["key"]) > place]
        return rows[:limit]


def position(row, sort):
    return [row["sort"], 0, row["key"]] if sort else [0, row["key"]]


def walk(walks, rows, change, limit=3):
    met, cursor = [], None
    clock = iter(range(1, 10_000))
    while True:

        def pages(chosen, *, sort, limit, after):
            place = [after[0], after[2]] if after and sort else after
            return rows(chosen, sort=sort, limit=limit, after=place)

        found, cursor = walks.page(
            pages,
            {},
            about={},
            sort="sort",
            limit=limit,
            cursor=cursor,
            position=position,
            sequence=lambda: max(r["changed"] for r in rows.rows.values()),
        )
        met += [row["key"] for row in found]
        if not cursor:
            return met
        change(rows, next(clock))


@pytest.mark.parametrize("seed", range(30))
def test_rows_that_jump_are_met_once(seed):
    dice = random.Random(seed)
    rows = Rows(dice.randrange(1, 30))

    def jump(rows, now):
        for key in dice.sample(sorted(rows.rows), dice.randrange(len(rows.rows))):
            rows.rows[key] |= {"sort": dice.randrange(-10, 40), "changed": now}

    met = walk(Walks(), rows, jump, limit=dice.randrange(1, 6))
    assert sorted(met) == sorted(rows.rows)


def test_a_cursor_of_another_question_is_refused():
    rows = Rows(10)
    given = {"position": position, "sequence": lambda: 0, "sort": "sort", "limit": 3}
    _, cursor = Walks().page(rows, {}, about={"a": 1}, cursor=None, **given)
    for other in ("", "x", cursor[:-3], cursor + "A"):
        if other:
            with pytest.raises(InvalidQuery):
                Walks().page(rows, {}, about={"a": 2}, cursor=other, **given)
