"""The loop: it goes on after a pass that fails, and a row that cannot be stored costs its trace alone."""

import json
import math
import threading
import time
from types import SimpleNamespace

import duckdb
import pytest
from builders import a_chat, a_request
from conftest import wait_until
from databases import a_database

from otel_threads.core.errors import StoreFailed
from otel_threads.core.model import Request, Signal
from otel_threads.core.ports import Batch
from otel_threads.database import sql_files
from otel_threads.database.database import Database
from otel_threads.decode import columns, logs
from otel_threads.derive import deriver as deriving
from otel_threads.derive.deriver import Deriver, derive_all
from otel_threads.derive.thread_id import Identity
from otel_threads.derive.trace import derive_traces
from otel_threads.store.derived import derived_store, replaced_turns
from otel_threads.store.derived.derived_store import PASS_BYTES, ROWS_FIRST, DuckDBDerivedStore
from otel_threads.store.spans.writer import BatchWriter


class Failing(DuckDBDerivedStore):
    """The real store, with a fault that the test puts in: the far end of the wire, so to say."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.refuse_trace: str | None = None
        self.full = threading.Event()
        self.may_save: threading.Semaphore | None = None  # a pass each; None: as they come

    def save(self, work, traces, **pause):
        if self.may_save:
            self.may_save.acquire()
        if self.full.is_set():
            raise StoreFailed("full")
        if any(rows.trace["trace_id"] == self.refuse_trace for rows in traces):
            raise OverflowError("a number that fits no column")
        return super().save(work, traces, **pause)


def prepared(tmp_path, *spans):
    database = a_database(tmp_path / "x.duckdb")
    writer, store = BatchWriter(database), Failing(database)
    request = Request(signal=Signal.TRACES, payload=a_request(*spans), received_unix_nano=1)
    tables = columns.decode([request], default_project="default").tables
    writer._commit([Batch(tables, logs.LOGS.empty_table())])
    return database, writer, store


def threads(database) -> list[str]:
    with database.cursor() as cursor:
        return [
            t for (t,) in cursor.execute("select thread_id from threads order by all").fetchall()
        ]


@pytest.mark.long
def test_a_trace_that_cannot_be_stored_costs_no_other(tmp_path):
    spans = [a_chat(f"t{n}", "hello", "hi") for n in range(3)]
    database, writer, store = prepared(tmp_path, *spans)
    store.refuse_trace = spans[1].trace_id.hex()
    deriver = Deriver(store)
    deriver.notice(writer.committed_sequence)
    assert deriver.wait(writer.committed_sequence, 30)
    assert threads(database) == ["t0", "t2"]
    assert deriver.left_out == f"trace {store.refuse_trace} could not be derived (OverflowError)"
    assert deriver.failed is None
    deriver.between_passes(lambda: setattr(store, "refuse_trace", None)).result(30)
    deriver.rebuild()
    assert deriver.wait(writer.committed_sequence, 30)
    assert (threads(database), deriver.left_out) == (["t0", "t1", "t2"], None)
    deriver.close()
    store.refuse_trace = spans[1].trace_id.hex()
    store.reset()
    derive_all(store, writer.committed_sequence)  # as `rebuild` does
    assert threads(database) == ["t0", "t2"]
    for part in (writer, database):
        part.close()


@pytest.mark.long
@pytest.mark.parametrize(
    "far",
    [{"end_time_unix_nano": 2**63 - 1}, {"start": 2**63 - 1000}, {"start": 2**63 - 1}],
)
def test_a_time_as_far_as_a_column_goes_costs_its_thread_nothing(tmp_path, far):
    far |= {"end_time_unix_nano": 2**63 - 1}
    database, writer, store = prepared(tmp_path, a_chat("t", "hello", "hi", **far))
    for n in range(2):
        derive_all(store, writer.committed_sequence)
        committed(writer, a_chat("t", f"more {n}", "hi", start=1_700_000_000_000_000_000 + n))
    derive_all(store, writer.committed_sequence)
    total = "select trace_count, turn_count from x_thread_facts"
    with database.cursor() as cursor:
        assert cursor.execute(total).fetchall() == [(3, 3)]
        indexes = cursor.execute("select turn_index from turns order by all").fetchall()
        assert indexes == [(0,), (1,), (2,)]
        # A node of a lake looks for the rows of a thread between the times that it tells.
        cursor.execute("create temp view lake_threads as select 'default' as project, 't' as id")
        times = cursor.execute(sql_files.query("times_of_threads")).fetchone()
        assert times[1] == 2**63 - 1
    store.reset()
    derive_all(store, writer.committed_sequence)
    with database.cursor() as cursor:
        assert cursor.execute(total).fetchall() == [(3, 3)]
    for part in (writer, database):
        part.close()


@pytest.mark.long
def test_a_full_disk_is_waited_for(tmp_path):
    database, writer, store = prepared(tmp_path, a_chat("t", "hello", "hi"))
    store.full.set()
    deriver = Deriver(store)
    deriver.notice(writer.committed_sequence)
    wait_until(lambda: isinstance(deriver.failed, StoreFailed), "the pass fails")
    assert deriver.derived_sequence == 0
    store.full.clear()
    assert deriver.wait(writer.committed_sequence, 30)
    assert deriver.failed is None
    assert threads(database) == ["t"]
    for part in (deriver, writer, database):
        part.close()


def committed(writer, *spans) -> None:
    request = Request(signal=Signal.TRACES, payload=a_request(*spans), received_unix_nano=1)
    tables = columns.decode([request], default_project="default").tables
    writer._commit([Batch(tables, logs.LOGS.empty_table())])


@pytest.mark.slow
def test_a_backlog_is_taken_in_pieces_that_fit_in_memory(tmp_path):
    """Large messages few at a time, small ones many, and what one commit holds whole."""
    database = a_database(tmp_path / "x.duckdb")
    writer, store = BatchWriter(database), DuckDBDerivedStore(database)
    large = "x" * (PASS_BYTES // 4)
    for n in range(10):
        committed(writer, a_chat(f"large-{n}", large, "hi"))
    committed(writer, *(a_chat("whole", large, "hi") for _ in range(6)))
    for n in range(40):
        committed(writer, *(a_chat(f"small-{n}", "hello", "hi") for _ in range(ROWS_FIRST // 10)))
    pieces, position = [], 0
    while position < writer.committed_sequence:
        work = store.pending(after=position, upto=writer.committed_sequence)
        found = store.spans(work, after=position)
        pieces.append([span for spans in found for span in spans])
        position = work.upto
    sizes = [sum(len(str(s.attributes)) for s in piece) for piece in pieces]
    alone = [i for i, piece in enumerate(pieces) if len(piece) == 6]
    assert all(size < 1.1 * PASS_BYTES for i, size in enumerate(sizes) if i not in alone)
    assert sum(map(len, pieces)) == 10 + 6 + 4 * ROWS_FIRST
    assert max(map(len, pieces)) > ROWS_FIRST  # once it is known that they are small
    assert len(pieces) < 20
    for part in (writer, database):
        part.close()


@pytest.mark.long
def test_lag_is_the_age_of_the_oldest_commit_that_is_not_derived(tmp_path, monkeypatch):
    clock = SimpleNamespace(now_s=100.0, monotonic=lambda: clock.now_s, sleep=time.sleep)
    monkeypatch.setattr(deriving, "time", clock)
    monkeypatch.setattr(derived_store, "ROWS_MAX", 1)  # a commit each pass
    database, writer, store = prepared(tmp_path, a_chat("t", "hello", "hi"))
    store.may_save = threading.Semaphore(0)
    deriver = Deriver(store)
    deriver.notice(writer.committed_sequence)
    for _ in range(2):
        clock.now_s += 10
        committed(writer, a_chat("t", "hello", "hi"))
        deriver.notice(writer.committed_sequence)
    assert deriver.lag_ms == 20_000
    for done, lag_ms in ((1, 10_000), (2, 0)):
        store.may_save.release()
        assert deriver.wait(done, 30)
        assert deriver.lag_ms == lag_ms
    clock.now_s += 5
    assert deriver.lag_ms == 5_000
    store.may_save.release()
    assert deriver.wait(3, 30)
    assert deriver.lag_ms == 0
    deriver.rebuild()
    clock.now_s += 7
    assert deriver.lag_ms == 7_000
    store.may_save.release(3)
    assert deriver.wait(3, 30)
    assert deriver.lag_ms == 0
    for part in (deriver, writer, database):
        part.close()


@pytest.mark.long
def test_only_what_was_derived_before_is_looked_for(tmp_path):
    """Of traces that are all new nothing old is deleted; a span that comes later replaces theirs."""
    database = a_database(tmp_path / "x.duckdb")
    writer, store = BatchWriter(database), DuckDBDerivedStore(database)
    first = a_chat("t", "hello", "hi")
    late = a_chat(
        "t", "and then", "this", trace_id=first.trace_id, start=first.start_time_unix_nano + 10**9
    )
    found = []
    for spans in ([first], [late], [a_chat("u", "hello", "hi")]):
        committed(writer, *spans)
        after = store.position()
        work = store.pending(after=after, upto=writer.committed_sequence)
        rows = [
            row
            for trace in store.spans(work, after=after)
            for row in derive_traces(trace, Identity())
        ]
        store.save(work, rows)
        found.append(work.is_new)
    assert found == [True, False, True]
    with database.cursor() as cursor:
        for table, count in (("traces", 2), ("x_trace_slices", 2), ("calls", 3), ("turns", 3)):
            assert cursor.execute(f"select count(*) from {table}").fetchone() == (count,), table
    for part in (writer, database):
        part.close()


@pytest.mark.long
@pytest.mark.parametrize("loop", [True, False], ids=["server", "rebuild"])
def test_a_pass_that_finds_no_memory_is_tried_again_with_less(tmp_path, monkeypatch, loop):
    """Else the same pass would fail for ever: how much it needs hangs on the threads it touches."""
    database = a_database(tmp_path / "x.duckdb")
    writer, store = BatchWriter(database), DuckDBDerivedStore(database)
    for n in range(10):
        committed(writer, *(a_chat(f"t-{n}-{i}", "hello", "hi") for i in range(20)))
    sizes = []

    def replace(cursor, work, *rest, **named):
        sizes.append(len(work.trace_ids))
        if len(work.trace_ids) > 60:
            raise duckdb.OutOfMemoryException("no room")
        return whole(cursor, work, *rest, **named)

    whole = derived_store.replace
    monkeypatch.setattr(derived_store, "replace", replace)
    if loop:
        deriver = Deriver(store)
        deriver.notice(writer.committed_sequence)
        assert deriver.wait(writer.committed_sequence, 60)
        deriver.close()
    else:
        derive_all(store, writer.committed_sequence)
    assert len(threads(database)) == 200
    assert sizes[:3] == [200, 100, 40]
    for part in (writer, database):
        part.close()


@pytest.mark.long
def test_a_pass_that_finds_no_memory_folds_the_log(tmp_path, monkeypatch):
    """Its rows take memory, and without a commit nothing else folds it: passes failed for ever."""
    database, writer, store = prepared(
        tmp_path, *(a_chat(f"t{n}", "hello", "hi") for n in range(9))
    )

    def replace(*given, **named):
        if database.wal_bytes():
            raise duckdb.OutOfMemoryException("no room beside the rows of the log")
        return whole(*given, **named)

    whole = derived_store.replace
    monkeypatch.setattr(derived_store, "replace", replace)
    assert database.wal_bytes()
    deriver = Deriver(store)
    deriver.notice(writer.committed_sequence)
    assert deriver.wait(writer.committed_sequence, 30)
    assert len(threads(database)) == 9
    for part in (deriver, writer, database):
        part.close()


@pytest.mark.long
def test_a_rebuild_that_never_finds_memory_says_so(tmp_path, monkeypatch):
    database, writer, store = prepared(tmp_path, a_chat("t", "hello", "hi"))
    store.full.set()
    with pytest.raises(StoreFailed):
        derive_all(store, writer.committed_sequence)
    for part in (writer, database):
        part.close()


@pytest.mark.long
def test_threads_are_summed_without_memory_for_each_of_their_traces(tmp_path):
    """What DuckDB keeps of an aggregate it cannot swap out."""
    threads_, traces = 800, 400
    database = a_database(tmp_path / "x.duckdb")
    with database.transaction() as cursor:
        cursor.execute(
            "insert into x_trace_slices by name select 'p' as project, 't' || t as thread_id,"
            " lpad((n * 7919 % $traces)::varchar, 32, '0') as trace_id, n as start_time_unix_nano,"
            " n as end_time_unix_nano, 1 as created_unix_nano, 1 as received_unix_nano,"
            " 1 as first_sequence, 1 as last_sequence, 1 as trace_sequence, 1 as span_count,"
            " 0 as error_count, 1 as call_count, ['m' || n % 2, 'm' || n % 3] as models,"
            " ['a'] as providers, ['b'] as services, ['user ' || t] as users, [] as environments,"
            " [] as tags, map() as metadata, 0.1 * (1 + n % 7) / (1 + t) as cost_usd,"
            " 'reported' as cost_source, false as cost_is_partial"
            " from range($threads) t(t), range($traces) n(n)",
            {"threads": threads_, "traces": traces},
        )
    with database.transaction() as cursor:
        cursor.execute(
            "create temp table affected as select 'p' as project, 't' || t as thread_id"
            " from range($threads) t(t)",
            {"threads": threads_},
        )
        cursor.execute(
            "create temp table words as select *, 'first' as first_message, 'last' as last_message"
            " from affected"
        )
        cursor.execute(replaced_turns.INSERT_THREADS_SQL, {"lowest": 0, "highest": traces})
        found = cursor.execute(
            "select thread_id, trace_count, models, users, tags, first_message, cost_usd"
            " from x_thread_facts"
        ).fetchall()
    assert len(found) == threads_
    for thread_id, trace_count, models, users, tags, first_message, cost_usd in found:
        t = int(thread_id[1:])
        assert (trace_count, models, tags) == (traces, ["m0", "m1", "m2"], [])
        assert (users, first_message) == ([f"user {t}"], "first")
        assert cost_usd == pytest.approx(
            math.fsum(0.1 * (1 + n % 7) / (1 + t) for n in range(traces)), rel=1e-15
        )
    database.close()


@pytest.mark.parametrize(
    "cost_usd", [0.0, 1e-8, 0.1, 12.34, 1.2345678901234567e-05, 98765.4321, 1e12]
)
def test_the_cost_of_a_thread_of_one_trace_is_that_traces(cost_usd):
    with duckdb.connect() as connection:
        text = replaced_turns.INSERT_THREADS_SQL
        begin, end = text.index("sum(round(s.cost_usd"), text.index("as cost_usd")
        found = connection.execute(
            f"select {text[begin:end]} from (select ?::double as cost_usd) s", [cost_usd]
        ).fetchone()
    assert found == (cost_usd,)


@pytest.mark.parametrize("turned", [False, True])
def test_traces_that_began_at_once_tell_the_same_in_either_order(tmp_path, turned):
    start = time.time_ns()
    of_one = {"session.id": "t", "metadata.customer": "a"}
    of_other = {"otel_threads.thread_id": "t", "metadata.customer": "b"}
    spans = [
        a_chat(None, "hi", "hello", start=start, attributes=told) for told in (of_one, of_other)
    ]
    database, writer, store = prepared(tmp_path, *(reversed(spans) if turned else spans))
    derive_all(store, writer.committed_sequence)
    with database.cursor() as cursor:
        found = cursor.execute("select thread_id_source, metadata from threads").fetchall()
    assert found == [("otel_threads.thread_id", {"customer": "b"})]
    database.close()


def derived_rows(database) -> dict[str, list[tuple]]:
    """Return what the deriver has made, without when."""
    with database.cursor() as cursor:
        return {
            name: cursor.execute(f"select * from {name} order by all").fetchall()
            for name in ("threads", "traces", "turns", "messages", "calls")
        }


def dense(number: int) -> object:
    """Return a chat of a thread that others have too, with many values of JSON."""
    return a_chat(
        f"t{number % 5}", json.dumps([{}] * 1000), "hi", trace_id=bytes([number + 1]) * 16
    )


@pytest.mark.long
@pytest.mark.parametrize("bound", ["PART_TRACES_MAX", "PART_VALUES_MAX"])
def test_a_large_pass_is_saved_in_parts_and_gives_the_same_rows(tmp_path, monkeypatch, bound):
    """Also when the process ends between two parts: the position moves with the last one."""
    spans = [dense(n) for n in range(30)]
    (tmp_path / "whole").mkdir()
    whole, writer, store = prepared(tmp_path / "whole", *spans)
    derive_all(store, writer.committed_sequence)
    writer.close()
    expected = derived_rows(whole)
    whole.close()
    monkeypatch.setattr(deriving, bound, 7 if bound == "PART_TRACES_MAX" else 15_000)
    database, writer, store = prepared(tmp_path, *spans)
    saved, fails = [], [False, False, True]

    def save(work, traces, *, pause):
        if fails and fails.pop(0):
            raise StoreFailed("the process ends here, so to say")
        assert len(traces) <= 8
        saved.append((work.upto, len(traces)))
        return DuckDBDerivedStore.save(store, work, traces, pause=pause)

    monkeypatch.setattr(store, "save", save)
    deriver = Deriver(store)
    deriver.notice(writer.committed_sequence)
    assert deriver.wait(writer.committed_sequence, 30)
    assert len(saved) >= 2 + 4
    assert [upto for upto, _ in saved] == [0] * (len(saved) - 1) + [writer.committed_sequence]
    for part in (deriver, writer):
        part.close()
    assert derived_rows(database) == expected
    database.close()


def test_closing_gives_up_a_pass_that_takes_long(tmp_path, monkeypatch):
    """The next start derives it: what was sent is stored."""
    monkeypatch.setattr(deriving, "CLOSE_S", 0.0)
    database, writer, store = prepared(tmp_path, a_chat("t", "hello", "hi"))
    store.may_save = threading.Semaphore(0)
    deriver = Deriver(store)
    deriver.notice(writer.committed_sequence)
    closing = threading.Thread(target=deriver.close)
    closing.start()
    wait_until(lambda: deriver._ends_s < math.inf, "the stop begins")
    store.may_save.release()
    closing.join(30)
    assert not deriver.is_alive
    assert store.position() == 0
    assert threads(database) == []
    store.may_save = None
    derive_all(store, writer.committed_sequence)
    assert threads(database) == ["t"]
    for part in (writer, database):
        part.close()
