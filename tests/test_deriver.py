"""The loop: it goes on after a pass that fails, and a row that cannot be stored costs its trace alone."""

import threading

import duckdb
import pytest
from builders import a_chat, a_request
from conftest import wait_until

from otel_threads.decode import columns, logs
from otel_threads.derive.deriver import Deriver, derive_all
from otel_threads.derive.identity import Identity
from otel_threads.derive.merge import merge
from otel_threads.derive.trace import derive_traces
from otel_threads.errors import StoreFailed
from otel_threads.model import Request, Signal
from otel_threads.ports import Batch
from otel_threads.store import derived
from otel_threads.store.database import Database
from otel_threads.store.derived import PASS_BYTES, ROWS_FIRST, DuckDBDerivedStore
from otel_threads.store.writer import BatchWriter


class Failing(DuckDBDerivedStore):
    """The real store, with a fault that the test puts in: the far end of the wire, so to say."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.refuse_trace: str | None = None
        self.full = threading.Event()

    def save(self, work, traces, merge):
        if self.full.is_set():
            raise StoreFailed("full")
        if any(rows.trace["trace_id"] == self.refuse_trace for rows in traces):
            raise OverflowError("a number that fits no column")
        return super().save(work, traces, merge)


def prepared(tmp_path, *spans):
    database = Database(str(tmp_path / "x.duckdb"), memory_limit_bytes=128 << 20)
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


def test_a_trace_that_cannot_be_stored_costs_no_other(tmp_path):
    spans = [a_chat(f"t{n}", "hello", "hi") for n in range(3)]
    database, writer, store = prepared(tmp_path, *spans)
    store.refuse_trace = spans[1].trace_id.hex()
    deriver = Deriver(store)
    deriver.notice(writer.committed_sequence)
    assert deriver.wait(writer.committed_sequence, 30)
    assert threads(database) == ["t0", "t2"]
    for part in (deriver, writer, database):
        part.close()


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


def test_a_backlog_is_taken_in_pieces_that_fit_in_memory(tmp_path):
    """Large messages few at a time, small ones many, and what one commit holds whole."""
    database = Database(str(tmp_path / "x.duckdb"), memory_limit_bytes=256 << 20)
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


def test_only_what_was_derived_before_is_looked_for(tmp_path):
    """Of traces that are all new nothing old is deleted; a span that comes later replaces theirs."""
    database = Database(str(tmp_path / "x.duckdb"), memory_limit_bytes=128 << 20)
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
        store.save(work, rows, merge)
        found.append(work.is_new)
    assert found == [True, False, True]
    with database.cursor() as cursor:
        for table, count in (("traces", 2), ("trace_slices", 2), ("calls", 3), ("turns", 3)):
            assert cursor.execute(f"select count(*) from {table}").fetchone() == (count,), table
    for part in (writer, database):
        part.close()


@pytest.mark.parametrize("loop", [True, False], ids=["server", "rebuild"])
def test_a_pass_that_finds_no_memory_is_tried_again_with_less(tmp_path, monkeypatch, loop):
    """Else the same pass would fail for ever: how much it needs hangs on the threads it touches."""
    database = Database(str(tmp_path / "x.duckdb"), memory_limit_bytes=128 << 20)
    writer, store = BatchWriter(database), DuckDBDerivedStore(database)
    for n in range(10):
        committed(writer, *(a_chat(f"t-{n}-{i}", "hello", "hi") for i in range(20)))
    sizes = []

    def replace(cursor, work, *rest, **named):
        sizes.append(len(work.trace_ids))
        if len(work.trace_ids) > 60:
            raise duckdb.OutOfMemoryException("no room")
        return whole(cursor, work, *rest, **named)

    whole = derived.replace
    monkeypatch.setattr(derived, "replace", replace)
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


def test_a_rebuild_that_never_finds_memory_says_so(tmp_path, monkeypatch):
    database, writer, store = prepared(tmp_path, a_chat("t", "hello", "hi"))
    store.full.set()
    with pytest.raises(StoreFailed):
        derive_all(store, writer.committed_sequence)
    for part in (writer, database):
        part.close()
