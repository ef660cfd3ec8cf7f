"""DuckDB gives a database up when it cannot fold the log in: the process has to live on."""

import subprocess
import sys
import textwrap
import threading

import pytest

from otel_threads.database import database as database_module
from otel_threads.database.database import Database

SCRIPT = textwrap.dedent(
    """
    import resource, signal, sys, threading
    from otel_threads.core.errors import OtelThreadsError
    from otel_threads.database import database as database_module
    from otel_threads.database.database import Database

    if sys.argv[2] == "leaving":  # is interrupted again while it rolls back
        database_module.INTERRUPT_EVERY_S = 0.00005

    database = Database(sys.argv[1], memory_limit_bytes=256 << 20)
    with database.transaction() as cursor:
        cursor.execute("create table numbers (a varchar)")
    for _ in range(20):  # less than a row group at once, so that all of it stands in the log
        with database.transaction() as cursor:
            cursor.execute("insert into numbers select md5(random()::varchar) || md5(random()::varchar) from range(5000)")
    opened, over = threading.Event(), threading.Event()
    said = []

    def read():
        try:
            with database.reading(60) as cursor:
                cursor.execute("select count(*) from numbers").fetchone()
                opened.set()
                if sys.argv[2] in ("working", "leaving"):
                    cursor.execute("select count(*) from numbers a, numbers b where a.a < b.a").fetchone()
                else:
                    over.wait(30)
                    cursor.execute("select count(*) from numbers").fetchone()
        except OtelThreadsError as error:
            said.append(type(error).__name__)

    def checkpoint(_=None):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that grows past the limit: an error
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, resource.RLIM_INFINITY))
        database.checkpoint(whatever_size=True)

    reader = threading.Thread(target=read)
    if sys.argv[2] == "folding":
        over.wait = checkpoint
        read()
    else:
        reader.start()
        opened.wait(30)
        checkpoint()
    over.set()
    if reader.ident:
        reader.join(30)
    print(said, reader.is_alive())
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    database.reopen()
    with database.reading(60) as cursor:
        print(cursor.execute("select count(*) from numbers").fetchone())
    database.checkpoint(whatever_size=True)
    print(database.wal_bytes())
    database.close()
    """
)


@pytest.mark.slow  # starts programs
@pytest.mark.parametrize("reader", ["working", "leaving", "idle", "folding"])
def test_a_reader_meanwhile_gets_an_error_and_the_process_lives(tmp_path, reader):
    """Closing a connection within a transaction, of a database given up, would end the process."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "x.duckdb"), reader],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["['Unavailable'] False", "(100000,)", "0"]
    assert "the WAL could not be checkpointed" in done.stderr


@pytest.mark.long
def test_a_reader_that_closes_its_cursor_just_then_stops_nothing(tmp_path, monkeypatch):
    """Its cursor is closed and is still among those that are open: interrupting it is an error."""
    monkeypatch.setattr(database_module, "LEAVING_S_MAX", 0.1)
    database = Database(str(tmp_path / "x.duckdb"), memory_limit_bytes=256 << 20)
    closed, over = threading.Event(), threading.Event()

    def read():
        with database.cursor() as cursor:
            cursor.close()
            closed.set()
            over.wait(30)

    reader = threading.Thread(target=read)
    reader.start()
    assert closed.wait(30)
    with monkeypatch.context() as given_up:
        given_up.setattr(Database, "_works", lambda *_: False)
        database.reopen()
    over.set()
    reader.join(30)
    with database.reading(60) as cursor:
        assert cursor.execute("select 42").fetchone() == (42,)
    database.close()
