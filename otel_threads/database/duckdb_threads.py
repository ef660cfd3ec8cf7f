"""How many threads DuckDB may use: all for a query, one for what is written meanwhile.

A commit and a pass of the deriver are many small statements. With a second thread, each of them
wakes it, and whoever called DuckDB from Python then polls it without a pause until it is done: on
two cores that took a sixth of ingest, on one a third of the deriver. A query reads a million
rows and is twice as fast on two.
"""

import contextlib
import threading
from collections.abc import Iterator

import duckdb

from otel_threads.database.arrow import THREADS_LOCK


class DuckDBThreads:
    """Sets DuckDB's `threads`; used by any thread, each with a cursor of its own."""

    def __init__(self, *, always_all: bool = False) -> None:
        """With `always_all` nothing is ever set: for queries that do not come by here."""
        self._always_all = always_all
        self._lock = threading.Lock()  # guards what follows, and the order of settings
        self._all = 1
        self._wide = True
        self._queries = 0  # under way
        self._writers = 0  # in a transaction

    def opened(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Hear of a database that was just opened, before its configuration is locked."""
        row = connection.execute("select current_setting('threads')").fetchone()
        connection.execute("set allowed_configs = ['threads']")  # what the lock leaves open
        with self._lock:
            self._all, self._wide = (int(row[0]) if row else 1), True

    @contextlib.contextmanager
    def for_query(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Use all threads meanwhile, for a query; and after it until somebody writes."""
        with self._lock:
            self._queries += 1
            self._set(cursor)
        try:
            yield
        finally:
            with self._lock:
                self._queries -= 1
                if self._writers:
                    self._set(cursor)

    @contextlib.contextmanager
    def for_writing(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Use one thread meanwhile, but for queries; and after it until somebody reads."""
        with self._lock:
            self._writers += 1
            self._set(cursor)
        try:
            yield
        finally:
            with self._lock:
                self._writers -= 1

    def _set(self, cursor: duckdb.DuckDBPyConnection) -> None:
        wide = self._queries > 0 or self._always_all
        if wide == self._wide:
            return
        # Invalidated, interrupted: then it stays as it is.
        with THREADS_LOCK, contextlib.suppress(duckdb.Error):
            cursor.execute(f"set global threads = {self._all if wide else 1}")
            self._wide = wide
