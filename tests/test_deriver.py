"""The loop: it goes on after a pass that fails, and a row that cannot be stored costs its trace alone."""

import threading

from builders import a_chat, a_request
from conftest import wait_until

from otel_threads.decode import columns, logs
from otel_threads.derive.deriver import Deriver
from otel_threads.errors import StoreFailed
from otel_threads.model import Request, Signal
from otel_threads.ports import Batch
from otel_threads.store.database import Database
from otel_threads.store.derived import DuckDBDerivedStore
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
