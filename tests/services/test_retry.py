"""A question that finds no memory just now is asked once more, and only once."""

import contextlib
import threading

import duckdb
import pytest
from builders import a_chat, a_request

from otel_threads import retry
from otel_threads.core.config import Config
from otel_threads.core.errors import Unavailable
from otel_threads.core.model import Request, Signal
from otel_threads.database.database import Database
from otel_threads.engine import Engine


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.setattr(retry, "AFTER_S", 0)
    engine = Engine(Config(database=str(tmp_path / "x.duckdb")))
    payload = a_request(a_chat("t", "hi", "fine"))
    engine.intake.submit(
        Request(signal=Signal.TRACES, payload=payload, received_unix_nano=1)
    ).result(60)
    yield engine
    engine.close()


@pytest.mark.long
@pytest.mark.parametrize("ask", ["projects", "status", "threads", "traces", "thread_stats"])
@pytest.mark.parametrize("failures", [1, 2])
def test_once_more(engine, monkeypatch, ask, failures):
    """The database is real; only the lack of memory is made."""
    left, asked, thread = [failures], [], threading.get_ident()
    real = Database.cursor

    @contextlib.contextmanager
    def cursor(self):
        if left[0] and threading.get_ident() == thread:
            asked.append(1)
            left[0] -= 1
            raise duckdb.OutOfMemoryException("made")
        with real(self) as found:
            yield found

    monkeypatch.setattr(Database, "cursor", cursor)
    with pytest.raises(Unavailable) if failures == 2 else contextlib.nullcontext():
        assert getattr(engine.services.threads, ask)() is not None
    assert len(asked) == failures
    monkeypatch.undo()


@pytest.mark.long
def test_a_commit_that_finds_no_memory_folds_the_log(engine, monkeypatch):
    """Its rows take memory: senders would be told to come again until somebody else folds it."""

    def commit(batches):
        if engine.database.wal_bytes():
            raise duckdb.OutOfMemoryException("made")
        whole(batches)

    whole = engine.writer._commit
    monkeypatch.setattr(engine.writer, "_commit", commit)
    assert engine.database.wal_bytes()
    payload = a_request(a_chat("u", "hi", "fine"))
    request = Request(signal=Signal.TRACES, payload=payload, received_unix_nano=1)
    assert engine.intake.submit(request).result(60).accepted == 1
