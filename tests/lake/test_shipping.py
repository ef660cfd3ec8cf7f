"""What a node has is in the lake, once, whatever changes and whoever dies."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_chat, a_span, new_trace_id
from lakes import PASSWORD, needs_extra, reading, unlike
from stores import Store

from otel_threads.core.errors import DatabaseRefused, StoreFailed
from otel_threads.derive.deriver import derive_all
from otel_threads.lake import layout, owner, report, rows_of_batch, schema
from otel_threads.lake.connection import CatalogLock
from otel_threads.lake.rows_of_batch import FILLED_SQL
from otel_threads.lake.shipper import Shipper
from otel_threads.store import outbox

HERE = Path(__file__).parent
pytest_plugins = ["lake_fixtures"]
pytestmark = needs_extra


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "node"
    folder.mkdir()
    found = Store(str(folder))
    outbox.begin(found.database)
    yield found
    found.close()


def shipped(store, where):
    """Ship all by a new connection, as after a start; return how far it is."""
    shipper = Shipper(store.database, where)
    try:
        return shipper.ship()
    finally:
        shipper.close()


def a_score(store, thread_id, value):
    with store.database.transaction() as cursor:
        cursor.execute("delete from x_score_records where thread_id = ?", [thread_id])
        cursor.execute(
            "insert into x_score_records (project, thread_id, name, value, source, author, updated_at,"
            " sequence) values ('default', ?, 'quality', ?, 'api', 'ada', now(), 1)",
            [thread_id, value],
        )


def test_the_lake_has_what_the_node_has_after_each_change(store, each_where):
    where = each_where
    long = "the history of an agent " * 400
    store.write([a_chat(f"t{i % 5}", f"{long} question {i}", f"answer {i}") for i in range(30)])
    shipper = Shipper(store.database, where)
    state = shipper.ship()
    assert (state.sequence, state.entries) == (store.writer.committed_sequence, 0)
    assert unlike(store.database, where) == []
    # A thread grows, another is new, one trace has no thread.
    store.write(
        [
            a_chat("t1", f"{long} more", "yes"),
            a_chat("new", "hi", "ho"),
            a_span(),
            a_chat(None, "no", "id"),
        ]
    )
    a_score(store, "t1", 0.5)
    shipper.ship()
    assert unlike(store.database, where) == []
    # A span comes again, more complete; a score changes; a thread is deleted.
    trace_id = new_trace_id()
    part = a_chat("t2", "half", None, trace_id=trace_id)
    store.write([part])
    shipper.ship()
    whole = a_chat("t2", "half", "whole", trace_id=trace_id)
    whole.span_id, whole.start_time_unix_nano = part.span_id, part.start_time_unix_nano
    whole.end_time_unix_nano = part.end_time_unix_nano + 10**9
    store.write([whole])
    a_score(store, "t1", 0.9)
    store.deletion.threads("default", ["t3"])
    shipper.ship()
    assert unlike(store.database, where) == []
    with reading(where) as lake:
        assert lake.execute("select value from scores").fetchall() == [(0.9,)]
        found = lake.execute("select count(*) from threads where thread_id = 't3'").fetchone()
        assert found == (0,)
    # All is derived again.
    store.derived.reset()
    derive_all(store.derived, store.writer.committed_sequence)
    shipper.ship()
    assert unlike(store.database, where) == []
    shipper.close()
    assert report.look(where, verify=True).differences == []


def test_maintenance_leaves_what_counts(store, where):
    shipper = Shipper(store.database, where)
    for i in range(4):
        store.write([a_chat(f"t{j}", f"question {i}", "answer") for j in range(5)])
        shipper.ship()
    store.deletion.threads("default", ["t0"])
    shipper.ship()
    shipper.close()
    assert report.look(where).dead_units > 0
    done = owner.once(where, None, node_name="test", kept_s=0, orphans_s=0)
    assert done.is_ours
    assert done.dead_rows > 0
    assert done.files_after < done.files_before
    state = report.look(where, verify=True)
    assert (state.dead_units, state.differences) == (0, [])
    assert unlike(store.database, where) == []
    with reading(where) as lake:
        for table in ("x_thread_facts", "turns", "x_content_chunks"):
            kept = lake.execute(f"select count(*) from stored.{table}").fetchone()
            assert kept == lake.execute(f"select count(*) from {table}").fetchone()
    # While another process is the owner nothing is done.
    with CatalogLock(where, schema.OWNER_LOCK).held(wait=False) as has_lock:
        assert has_lock
        assert not owner.once(where, None, node_name="test").is_ours


def test_what_ended_a_row_is_looked_up_by_an_equation(store, where):
    """Any other plan holds all rows in memory, or takes each with each: 10M spans were too many."""
    shipper = Shipper(store.database, where)
    for _ in range(2):
        store.write([a_chat("t", "question", "answer")])
        shipper.ship()
    shipper.close()
    with reading(where) as lake:
        names = {name for (name,) in lake.execute(FILLED_SQL).fetchall()}
        asked = 0
        for table in (one for one in layout.TABLES if one.name in names):
            dead = f"from lake.stored.{table.name} t semi {layout.join_dead(table, 'lake.stored.')}"
            for text in (f"from lake.{table.name}", f"select t.rowid {dead}"):
                plan = lake.execute(f"explain {text}").fetchall()[0][1]
                assert "HASH_JOIN" in plan, text
                assert not re.search("DELIM|NL_JOIN|NESTED|PRODUCT", plan), plan
                asked += 1
    assert asked >= 12


def test_verify_sees_a_row_that_went_and_a_row_that_is_there_twice(store, where):
    store.write([a_chat("t", "question", "answer") for _ in range(3)])
    shipped(store, where)
    from otel_threads.lake import connection

    lake = connection.connect(
        where, name="lake", application="x", memory_limit_bytes=256 << 20, read_only=False
    )
    lake.execute("insert into lake.stored.calls select * from lake.stored.calls limit 1")
    lake.execute("delete from lake.stored.turns where turn_index = 1")
    lake.execute(
        "insert into lake.stored.spans select * replace ('other' as name) from lake.stored.spans limit 1"
    )
    lake.execute(
        "delete from lake.stored.spans where name <> 'other' and span_id ="
        " (select span_id from lake.stored.spans where name = 'other')"
    )
    lake.close()
    found = {
        (one.table, one.row_count, one.row_count_found)
        for one in report.look(where, verify=True).differences
    }
    assert found == {("calls", 3, 4), ("turns", 3, 2), ("spans", 3, 3)}


class Killed(BaseException):
    """Stands for the end of the process at a place."""


def test_a_death_at_any_place_ships_nothing_twice_and_loses_nothing(store, where, monkeypatch):
    store.write([a_chat(f"t{i % 3}", f"question {i}", "answer") for i in range(9)])
    shipped(store, where)

    def dies(*_args, **_named):
        raise Killed

    places = (
        (rows_of_batch, "insert_counts"),
        (Shipper, "_settle"),
        (Shipper, "_intend"),
        (Shipper, "_update_units"),
    )
    for room, place in places:
        store.write([a_chat(f"t{i % 4}", f"{place} {i}", "answer") for i in range(9)])
        with monkeypatch.context() as patched:
            patched.setattr(room, place, dies)
            with pytest.raises(Killed):
                Shipper(store.database, where).ship()
        store.write([a_chat("t1", f"after {place}", "answer")])
    shipped(store, where)
    assert unlike(store.database, where) == []
    assert report.look(where, verify=True).differences == []


@pytest.mark.slow
def test_kill_9_at_any_moment_ships_nothing_twice_and_loses_nothing(where, tmp_path):
    folder = tmp_path / "node"
    folder.mkdir()
    command = [sys.executable, HERE / "ship_for_ever.py", folder, where.catalog, where.data]
    for i in range(7):
        process = subprocess.Popen(
            [str(one) for one in command], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        for _ in range(1 + i % 3):  # so many times it ships, then dies at some moment after
            assert process.stdout.readline().startswith("shipped"), i
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    store = Store(str(folder))
    outbox.begin(store.database)
    derive_all(store.derived, store.writer.committed_sequence)
    shipped(store, where)
    assert unlike(store.database, where) == []
    state = report.look(where, verify=True)
    assert (state.differences, len(state.nodes)) == ([], 1)
    assert state.spans > 0
    store.close()


def test_a_node_goes_on_without_its_lake_and_tells_no_secret(store, postgres, postgres_lake):
    shipper = Shipper(store.database, postgres_lake)
    store.write([a_chat("t", "before", "answer")])
    shipper.ship()
    postgres.stop()
    try:
        store.write([a_chat("t", f"meanwhile {i}", "answer") for i in range(5)])
        with pytest.raises(StoreFailed) as raised:
            shipper.ship()
        with pytest.raises(StoreFailed) as again:
            shipper.ship()
        for told in (str(raised.value), str(again.value), shipper.state.error):
            assert PASSWORD not in told
        look = shipper.look()
        assert look.entries > 0
        assert look.behind_s > 0
        assert look.error is not None
    finally:
        postgres.start()
    shipper.ship()
    shipper.close()
    assert (shipper.look().behind_s, shipper.look().error) == (0.0, None)
    assert unlike(store.database, postgres_lake) == []
    assert report.look(postgres_lake, verify=True).differences == []


def test_a_restored_file_is_refused_until_it_is_shipped_anew(tmp_path, where):
    import shutil

    folder = tmp_path / "node"
    folder.mkdir()
    store = Store(str(folder))
    outbox.begin(store.database)
    store.write([a_chat("a", "1", "2")])
    shipped(store, where)
    store.close()
    kept = tmp_path / "copy.duckdb"
    shutil.copy(folder / "x.duckdb", kept)
    store = Store(str(folder))
    outbox.begin(store.database)
    store.write([a_chat("a", "lost with the file", "2")])
    shipped(store, where)
    store.close()
    shutil.copy(kept, folder / "x.duckdb")
    store = Store(str(folder))
    noted = outbox.begin(store.database)
    store.write([a_chat("b", "after", "2")])  # has the number of the commit that is lost
    with pytest.raises(DatabaseRefused, match="lake rebuild"):
        shipped(store, where)
    outbox.begin_anew(store.database, noted)
    shipped(store, where)
    assert unlike(store.database, where) == []
    state = report.look(where, verify=True)
    assert (len(state.nodes), state.differences) == (1, [])
    store.close()


def test_changes_without_a_lake_are_not_forgotten(store, where):
    store.write([a_chat("a", "1", "2"), a_chat("b", "1", "2")])
    shipped(store, where)
    store.database.outbox = None
    outbox.stop(store.database)
    store.deletion.threads("default", ["a"])
    store.write([a_chat("c", "1", "2")])
    outbox.begin(store.database)
    shipped(store, where)
    assert unlike(store.database, where) == []
    assert len(report.look(where).nodes) == 1


def test_a_lake_of_a_newer_program_is_refused(store, where, monkeypatch):
    from otel_threads.lake import native

    monkeypatch.setattr(schema, "LAYOUT", schema.LAYOUT + 1)
    shipped(store, where)
    monkeypatch.undo()
    with pytest.raises(DatabaseRefused, match="upgrade otel-threads"):
        shipped(store, where)
    assert native.native().version > 0


def test_a_lake_of_an_older_program_is_brought_up_to_date(store, where, monkeypatch):
    old = schema.native()
    tables = {**old.tables, "comments": dict(list(old.tables["comments"].items())[:-1])}
    views = {"daily_usage": old.views["daily_usage"]}
    monkeypatch.setattr(
        schema, "native", lambda: replace(old, tables=tables, views=views, version=old.version - 1)
    )
    from otel_threads.lake import connection

    lake = connection.connect(
        where, name="lake", application="x", memory_limit_bytes=256 << 20, read_only=False
    )
    schema.prepare(lake, where)
    lake.close()
    monkeypatch.undo()
    store.write([a_chat("a", "1", "2")])
    with store.database.transaction() as cursor:
        cursor.execute(
            "insert into comments (id, project, thread_id, text) values ('1','default','a','x')"
        )
    shipped(store, where)
    assert unlike(store.database, where) == []
