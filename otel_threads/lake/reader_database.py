"""The lake as a database that is only read: the same names as in a node's file, so that the same
queries run. Each reading has one snapshot of the lake."""

import contextlib
import time
from collections.abc import Iterator

import duckdb

from otel_threads.core.errors import (
    DatabaseRefused,
    NotConfigured,
    OtelThreadsError,
    StoreFailed,
    Unavailable,
)
from otel_threads.database.database import CATALOG, Database
from otel_threads.lake import connection as connections
from otel_threads.lake import layout, schema
from otel_threads.lake.connection import APPLICATION, Place, told

NEWS_S = 1.0  # that what is known of the newest batch may be old
READ_ONLY = (
    "this server reads a lake and writes nothing: ask the node that has the thread, whose changes"
    " are here some seconds later"
)
# What the catalog's or the storage's end looks like; a query is not at fault.
GONE = (duckdb.IOException, duckdb.HTTPException, duckdb.ConnectionException)


class LakeDatabase(Database):
    """A `Database` over a lake. There is no file, so nothing is locked, watched or checkpointed."""

    def __init__(self, where: Place, *, memory_limit_bytes: int) -> None:
        """Attach the lake.

        Raises:
            DatabaseRefused: the extra is not there; or the lake is empty, older or newer.
            StoreFailed: it does not answer.
        """
        self.where = where
        self._news = (0.0, 0, 0.0)  # when it was asked; the newest commit; when the last batch came
        super().__init__("lake", memory_limit_bytes=memory_limit_bytes, read_only=True)

    def _open(self) -> duckdb.DuckDBPyConnection:
        connection = connections.connect(
            self.where,
            name=CATALOG,
            application=f"{APPLICATION}-reader",
            memory_limit_bytes=self.memory_limit_bytes,
            read_only=True,
        )
        try:
            self._duckdb_threads.opened(connection)
            lock(connection, self.where)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare_schema(self, cursor: duckdb.DuckDBPyConnection) -> None:
        with told(self.where):
            if not schema.check(cursor, CATALOG):
                raise DatabaseRefused(
                    "the lake is empty or of an older otel-threads: start a node with"
                    " lake_catalog first, which brings it up to date"
                )

    @contextlib.contextmanager
    def reading(self, timeout_s: float) -> Iterator[duckdb.DuckDBPyConnection]:
        """See `Database.reading`.

        Raises:
            Unavailable: the lake does not answer; the same query may succeed later.
        """
        try:
            with super().reading(timeout_s) as cursor:
                yield cursor
        except GONE as error:
            self._attach_again()
            text = self.where.without_secrets(str(error))
            raise Unavailable(f"the lake does not answer: {text}") from None
        except duckdb.Error as error:
            text = str(error)
            if self.where.without_secrets(text) != text.splitlines()[0]:
                raise Unavailable(
                    f"the lake does not answer: {self.where.without_secrets(text)}"
                ) from None
            raise

    def _attach_again(self) -> None:
        with contextlib.suppress(OtelThreadsError, duckdb.Error):
            self.reopen()

    @contextlib.contextmanager
    def transaction(self, *, checkpoint: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """Refuse: nothing is written here.

        Raises:
            NotConfigured: always.
        """
        raise NotConfigured(READ_ONLY)
        yield

    @contextlib.contextmanager
    def file_snapshot(self, timeout_s: float) -> Iterator[None]:
        """Return at once: each query of external SQL has a snapshot of the lake."""
        yield

    def state(self) -> object:
        """Return the same always: who has the lake attached sees what is new."""
        return "lake"

    def size_bytes(self) -> int:
        """Return what the lake's files take."""
        with contextlib.suppress(duckdb.Error, OtelThreadsError), self.cursor() as cursor:
            row = cursor.execute(
                f"select sum(file_size_bytes) from ducklake_table_info('{CATALOG}')"  # noqa: S608  # our own name
            ).fetchone()
            return int(row[0] or 0) if row else 0
        return 0

    def newest(self) -> tuple[int, float]:
        """Return the highest commit of any node, and when the last batch came (Unix seconds).

        Raises:
            Unavailable: the lake does not answer.
        """
        asked, commit, came = self._news
        if time.monotonic() - asked < NEWS_S:
            return commit, came
        with self.reading(NEWS_S * 30) as cursor:
            row = cursor.execute(
                "select coalesce(max(sequence), 0), coalesce(epoch(max(shipped_at)), 0) from"  # noqa: S608  # ours
                f" {layout.STORED}.{layout.BATCHES}"
            ).fetchone()
        commit, came = (int(row[0]), float(row[1])) if row else (0, 0.0)
        self._news = (time.monotonic(), commit, came)
        return commit, came


def lock(connection: duckdb.DuckDBPyConnection, where: Place) -> None:
    """Let the connection reach no files but the lake's, and let nobody change that.

    Raises:
        StoreFailed: DuckDB does not take it.
    """
    folder = where.data.rstrip("/") + "/"
    with told(where):
        connection.execute("set allowed_directories = $folders", {"folders": [folder]})
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")


def opened(where: Place, *, memory_limit_bytes: int) -> LakeDatabase:
    """Return the lake, open.

    Raises:
        DatabaseRefused: it cannot be read; the message says what to do.
    """
    try:
        return LakeDatabase(where, memory_limit_bytes=memory_limit_bytes)
    except StoreFailed as error:
        raise DatabaseRefused(str(error)) from None
