"""One process looks after the lake: what is old goes, another takes over, `compact` has its turn."""

import contextlib
import datetime
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders import a_chat, new_trace_id
from conftest import wait_until
from lakes import needs_extra, reading
from stores import Store

from otel_threads.core.config import Config
from otel_threads.derive import thread_id
from otel_threads.engine import derive_again
from otel_threads.lake import connection, layout, maintenance, owner, report
from otel_threads.lake.lake_retention import Kept
from otel_threads.lake.shipper import Shipper
from otel_threads.store import outbox
from otel_threads.store.retention import Retention

HERE = Path(__file__).parent
pytest_plugins = ["lake_fixtures"]
pytestmark = needs_extra
DERIVE = derive_again(Config())


class Node:
    def __init__(self, folder, where, *, keeps_pruned=False) -> None:
        folder.mkdir()
        self.store = Store(str(folder))
        outbox.begin(self.store.database)
        self.shipper = Shipper(self.store.database, where, keeps_pruned=keeps_pruned)

    def write(self, *chats, **given) -> None:
        self.store.write(list(chats), **given)
        self.shipper.ship()

    def close(self) -> None:
        self.shipper.close()
        self.store.close()


@pytest.fixture
def node(tmp_path, where):
    with contextlib.closing(Node(tmp_path / "node", where, keeps_pruned=True)) as found:
        yield found


def old(days: float) -> dict[str, int]:
    now = datetime.datetime.now(datetime.UTC).timestamp()
    return {"start": int((now - 86_400 * days) * 1e9)}


def scored(store, thread_id) -> None:
    with store.database.transaction() as cursor:
        cursor.execute(
            "insert into x_score_records (project, thread_id, name, value, source, updated_at, sequence)"
            " values ('default', ?, 'quality', 1, 'api', now(), 1)",
            [thread_id],
        )


def threads(where, of="threads") -> list[str]:
    with reading(where) as lake:
        return [one for (one,) in lake.execute(f"select thread_id from {of} order by 1").fetchall()]


def files_with(where, text: str) -> list[str]:
    """Return the files of the lake in whose rows a text is."""
    found = []
    with reading(where) as lake:
        for file in sorted(Path(where.data).rglob("*.parquet")):
            rows = lake.execute(f"select * from read_parquet('{file}')").fetchall()
            if text in repr(rows):
                found.append(str(file))
    return found


def test_what_is_old_goes_by_project_with_all_that_was_said_and_its_files(node, where):
    node.write(a_chat("ancient", "a secret of old", "ho", **old(40)))
    node.write(a_chat("recent", "hi", "ho", **old(2)), a_chat("mixed", "hi", "ho", **old(40)))
    node.write(a_chat("mixed", "more", "ho", **old(1)), a_chat(None, "alone", "ho", **old(40)))
    node.write(a_chat("other", "hi", "ho", **old(40)), project="audit")
    for one in ("ancient", "recent"):
        scored(node.store, one)
    node.shipper.ship()
    assert files_with(where, "a secret of old")
    done = owner.once(
        where,
        None,
        node_name="test",
        kept=Kept(30, {"audit": 3650}),
        kept_s=0,
        orphans_s=0,
        rewrite_share=0.0,
    )
    assert done.old_threads == 1
    assert threads(where) == ["mixed", "other", "recent"]
    assert threads(where, "scores") == ["recent"]
    with reading(where) as lake:
        assert lake.execute("select count(*) from traces").fetchall() == [(4,)]
    assert report.look(where, verify=True).differences == []
    owner.once(where, None, node_name="test", kept=Kept(30), kept_s=0, orphans_s=0)
    assert threads(where) == ["mixed", "recent"]
    assert files_with(where, "a secret of old") == []


def test_what_a_node_prunes_stays_in_the_lake_and_goes_on(node, where, tmp_path):
    node.write(a_chat("done", "hi", "ho", **old(40)), a_chat("on", "first", "ho", **old(40)))
    scored(node.store, "done")
    node.shipper.ship()
    store = node.store
    retention = Retention(
        store.database,
        store.derived,
        store.deletion._annotations,
        store.deletion,
        store.deletion._chains,
        is_kept_in_lake=True,
    )
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=30)
    deleted, _ = retention.delete_slice(before, project=None, traces_max=100)
    assert (deleted.trace_count, deleted.thread_count) == (2, 2)
    node.shipper.ship()
    assert threads(where) == ["done", "on"]
    assert threads(where, "scores") == ["done"]
    # It goes on: the lake has all of it, once the owner has derived it from its spans.
    node.write(a_chat("on", "second", "ho", trace_id=new_trace_id(), **old(0.1)))
    owner.once(where, DERIVE, node_name="test")
    with reading(where) as lake:
        found = lake.execute("select thread_id, turn_count, trace_count from threads order by 1")
        assert found.fetchall() == [("done", 1, 1), ("on", 2, 2)]
    # By hand it is deleted everywhere.
    store.deletion.threads("default", ["on"])
    node.shipper.ship()
    owner.once(where, DERIVE, node_name="test")
    assert threads(where) == ["done"]
    with reading(where) as lake:
        assert lake.execute("select count(*) from spans").fetchall() == [(1,)]
    assert report.look(where, verify=True).differences == []


def test_books_keep_what_counts(node, where):
    for i in range(4):
        node.write(a_chat("t", f"question {i}", "ho"), a_chat(None, f"alone {i}", "ho"))
    owner.once(where, DERIVE, node_name="test")
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)
    with owner.opened(where) as lake:
        before = entries(lake)
        maintenance.shorten_books(lake, now, apart_s=3600, fewer_min=1)
        maintenance.shorten_books(lake, now, apart_s=0)  # it does not pay
        assert entries(lake) == before
        maintenance.shorten_books(lake, now, apart_s=0, fewer_min=1)
        after = entries(lake)
        summed = lake.execute(
            "select count(*), count(distinct table_name) from lake.stored.lake_batches where is_sum"
        ).fetchone()
        assert after < before
        assert summed[0] == summed[1] > 3  # one for each table
        maintenance.shorten_books(lake, now, apart_s=0, fewer_min=1)
        assert entries(lake) == after
        for table in (layout.POSITIONS, layout.ROUNDS):
            found = lake.execute(f"select count(*) from lake.stored.{table}").fetchall()
            assert found == [(1,)]
    assert report.look(where, verify=True).differences == []
    # What goes of old batches is taken from their sum; a row that is lost is noticed.
    node.write(a_chat("t", "one more", "ho"))
    owner.once(where, DERIVE, node_name="test")
    assert report.look(where, verify=True).differences == []
    with owner.opened(where) as lake:
        lake.execute("delete from lake.stored.spans where lake_batch = 1")
    (lost,) = report.look(where, verify=True).differences
    assert (lost.table, lost.row_count - lost.row_count_found) == ("spans", 2)


def test_a_clock_that_jumped_makes_nothing_old(postgres_lake, tmp_path, monkeypatch):
    class Jumped(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.now(tz) + datetime.timedelta(days=3650)

    jumped = SimpleNamespace(datetime=Jumped, UTC=datetime.UTC)
    with contextlib.closing(Node(tmp_path / "node", postgres_lake)) as node:
        node.write(a_chat("recent", "hi", "ho", **old(2)), a_chat("old", "hi", "ho", **old(40)))
        monkeypatch.setattr(connection, "datetime", jumped)
        done = owner.once(postgres_lake, None, node_name="test", kept=Kept(30))
        assert (done.old_threads, threads(postgres_lake)) == (1, ["recent"])
        node.write(a_chat("recent", "more", "ho"))  # no file is lost
    assert report.look(postgres_lake, verify=True).differences == []


def entries(lake) -> int:
    return lake.execute("select count(*) from lake.stored.lake_batches").fetchone()[0]


def rounds_of(where, name: str) -> int:
    with reading(where) as lake:
        found = lake.execute(f"select count(*) from stored.lake_rounds where node_name = '{name}'")
        return found.fetchone()[0]


@pytest.mark.slow
def test_another_takes_over_from_an_owner_that_was_killed(tmp_path, where, monkeypatch):
    assert owner.TRY_EVERY_S + owner.connections.ENDED_S_MAX < 60
    monkeypatch.setattr(owner, "TRY_EVERY_S", 0.2)
    monkeypatch.setattr(owner, "ROUND_EVERY_S", 0.1)
    nodes = [Node(tmp_path / f"node-{i}", where) for i in range(2)]
    nodes[0].write(a_chat("split", "hi", "ho"))
    first = subprocess.Popen([sys.executable, HERE / "own_for_ever.py", where.catalog, where.data])
    try:
        wait_until(lambda: rounds_of(where, "first"), "the first owns", 60)
        second = owner.Owner(where, DERIVE, node_name="second", every_s=0.1, kept=Kept())
        nodes[1].write(a_chat("split", "more", "ho", trace_id=new_trace_id()))
    finally:
        first.kill()
        first.wait()
    wait_until(lambda: rounds_of(where, "second"), "the second owns", 60)
    wait_until(lambda: threads(where) == ["split"], "what was split is joined", 60)
    with reading(where) as lake:
        assert lake.execute("select turn_count from threads").fetchall() == [(2,)]
    # Somebody who waits has a turn.
    assert owner.once(where, None, node_name="by hand", wait=True).is_ours
    assert rounds_of(where, "by hand") == 1
    second.stop()
    second._thread.join(30)
    assert report.look(where, verify=True).differences == []
    for node in nodes:
        node.close()


def test_appends_at_once_are_found_by_their_keys(postgres_lake):
    """A report on DuckLake: the statistics that skip files forgot rows of who committed first."""
    writers = [
        connection.connect(
            postgres_lake,
            name="lake",
            application="x",
            memory_limit_bytes=128 << 20,
            read_only=False,
        )
        for _ in range(3)
    ]
    tables = [f"t{i}" for i in range(3)]
    for table in tables:
        writers[0].execute(f"create table lake.{table} (key int)")
    together = threading.Barrier(len(writers))

    def append(number: int) -> None:
        for table in tables:
            together.wait()
            for i in range(3):
                writers[number].execute(f"insert into lake.{table} values ({100 * number + i})")

    with ThreadPoolExecutor() as pool:
        list(pool.map(append, range(len(writers))))
    for writer in writers:
        writer.close()
    keys = [100 * number + i for number in range(3) for i in range(3)]
    with reading(postgres_lake) as lake:
        for table in tables:
            found = [
                lake.execute(f"select count(*) from {table} where key = {key}").fetchone()[0]
                for key in keys
            ]
            assert found == [1] * len(keys)
            assert lake.execute(f"select count(distinct rowid) from {table}").fetchone() == (9,)


def test_a_nul_in_a_thread_id_stops_nobody(tmp_path, where, monkeypatch):
    given = a_chat("th\0nul", "hi", "ho"), a_chat("th\0nul", "more", "ho")
    with contextlib.ExitStack() as stack:
        nodes = [
            stack.enter_context(contextlib.closing(Node(tmp_path / name, where)))
            for name in ("one", "two")
        ]
        with monkeypatch.context() as before:  # ids were kept as they came
            before.setattr(thread_id, "as_kept", str.strip)
            for node, chat in zip(nodes, given, strict=True):
                node.write(chat, a_chat("kept", "hi", "ho"))
        owner.once(where, DERIVE, node_name="test", kept=Kept(None))
        nodes[0].store.deletion.threads("default", ["th\0nul"])
        nodes[0].shipper.ship()
        owner.once(where, DERIVE, node_name="test", kept=Kept(None))
        assert threads(where) == ["kept"]
        nodes[0].write(a_chat("th\0nul", "again", "ho"))
        owner.once(where, DERIVE, node_name="test", kept=Kept(None))
        assert threads(where) == ["kept", "th\N{REPLACEMENT CHARACTER}nul"]
