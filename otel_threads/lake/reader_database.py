"""The lake as a database that is only read: the same names as in a node's file, so that the same
queries run.

What is small is held in memory, as one snapshot of the lake has it, and renewed each second: what
was said, and which rows no longer count. The rest are views of the lake at that snapshot.
"""

import contextlib
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NoReturn

import duckdb

from otel_threads.core.errors import (
    DatabaseRefused,
    NotConfigured,
    OtelThreadsError,
    StoreClosed,
    StoreFailed,
    Unavailable,
    describe,
)
from otel_threads.database.database import CATALOG, Database
from otel_threads.lake import connection as connections
from otel_threads.lake import edits, layout, schema
from otel_threads.lake.connection import APPLICATION, Place, told
from otel_threads.lake.layout import Shipped
from otel_threads.lake.native import native
from otel_threads.lake.schema import LAKE
from otel_threads.periodic import Periodic

RENEWED_EVERY_S = 1.0
CLOSE_S_MAX = 2.0  # for what is written just then
READ_ONLY = (
    "this server reads a lake, writes annotations and rules and deletes threads alone: ask the node"
    " that has the thread, whose changes are here some seconds later"
)
# What DuckDB says of our statements where they write to what is a view here.
NOT_HERE = (duckdb.BinderException, duckdb.CatalogException)
NO_ANSWER = "the lake does not answer"
# What the catalog's or the storage's end looks like; a query is not at fault.
GONE = (duckdb.IOException, duckdb.HTTPException, duckdb.ConnectionException)


class LakeDatabase(Database):
    """A `Database` over a lake. There is no file, so nothing is locked, watched or checkpointed."""

    written: Sequence[Shipped] = (*layout.EDITED_TABLES, *layout.COUNTED_TABLES)
    only: Mapping[str, str] = MappingProxyType({})  # of some tables, the node whose rows are seen
    own_views: Sequence[str] = ()
    writer = f"{APPLICATION}-edits"  # how the catalog calls the session that writes

    def __init__(self, where: Place, *, memory_limit_bytes: int) -> None:
        """Attach the lake.

        Raises:
            DatabaseRefused: the extra is not there; or the lake is empty, older or newer.
            StoreFailed: it does not answer.
        """
        self.where = where
        self.error: str | None = None  # of the last renewal; None when it went well
        self._is_closed = False
        self._said = (0, 0)  # entries that end what was said
        self._version = -1  # the snapshot that is read
        self._sizes: dict[str, tuple[int, ...]] = {}  # of tables that are held, when they were read
        self._newest = (0, 0.0)
        self._seen: dict[str, int] = {}  # up to which commit of each node
        self._edits = edits.EditLog(where, self.writer)
        self._renewing = threading.Lock()
        super().__init__("lake", memory_limit_bytes=memory_limit_bytes, read_only=True)
        self._renewals = Periodic("lake news", self.renew, interval_s=RENEWED_EVERY_S)

    def _open(self) -> duckdb.DuckDBPyConnection:
        connection = connections.connect(
            self.where,
            name=LAKE,
            application=f"{APPLICATION}-reader",
            memory_limit_bytes=self.memory_limit_bytes,
            read_only=True,
        )
        try:
            self._duckdb_threads.opened(connection)
            with told(self.where):
                if not schema.check(connection, LAKE):
                    raise DatabaseRefused(
                        "the lake is empty or of an older otel-threads: start a node with"
                        " lake_catalog first, which brings it up to date"
                    )
                schema.heed_nul(connection)
                connection.execute(f"attach ':memory:' as {CATALOG}")
                connection.execute(f"use {CATALOG}")
                connection.execute(f"create schema {schema.HELD}")
                self._version, self._sizes = -1, {}
                self._read_news(connection)
                self._commits += 1
                for text in (
                    *schema.held_views(self.written),
                    *schema.fixed_views(native()),
                    *self.own_views,
                ):
                    connection.execute(text)
            lock(connection, self.where)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare_schema(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Do nothing: it was made as the lake was attached."""

    def renew(self) -> None:
        """Read what is new in the lake; where that does not answer, what was read before stays."""
        with self._renewing:
            try:
                with told(self.where), self.cursor() as cursor:
                    self._go_on(cursor)
                self.error = None
            except OtelThreadsError as error:
                self.error = str(error)
                self._attach_again()
            except Exception as error:  # noqa: BLE001  # must survive anything
                self.error = describe(error)
                self._attach_again()

    def _go_on(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read what is new, on a connection that is in use: others look anew then."""
        before = self._version
        self._read_news(cursor)
        if self._version != before:
            with self._lock:
                self._commits += 1  # a table that was empty may have rows now

    def _read_news(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Go to the newest snapshot, in one transaction of what is in memory.

        While the lake is attached, too, when whoever does that holds the lock.
        """
        cursor.execute("begin")  # what files there are is then of the snapshot that is read
        try:
            row = cursor.execute(
                f"select max(snapshot_id) from ducklake_snapshots('{LAKE}')"  # noqa: S608  # our own name
            ).fetchone()
            version = int(row[0]) if row and row[0] is not None else 0
            if version == self._version:
                cursor.execute("rollback")
                return
            sizes = _sizes(cursor)
            at = f"at (version => {version})"
            empty = {name for name, (files, *_) in sizes.items() if not files}
            said = self._hold(cursor, at, sizes, empty)
            for text in schema.views_at(native(), at, empty, only=self.only):
                cursor.execute(text)
            shipped = cursor.execute(
                "select lake_node, max(sequence), epoch(max(shipped_at))"  # noqa: S608  # ours
                f" from {LAKE}.{layout.STORED}.{layout.BATCHES} {at}"
                f" where lake_node not in ('{layout.JOINED}', '{layout.READERS}') group by all"
            ).fetchall()
            cursor.execute("commit")
        except BaseException:
            with contextlib.suppress(duckdb.Error):
                cursor.execute("rollback")
            raise
        self._version = version
        self._sizes, self._said = sizes, said
        self._seen = {node: int(sequence) for node, sequence, _ in shipped}
        self._newest = (
            max(self._seen.values(), default=0),
            max((s[2] for s in shipped), default=0.0),
        )

    @contextlib.contextmanager
    def reading(self, timeout_s: float) -> Iterator[duckdb.DuckDBPyConnection]:
        """See `Database.reading`.

        Raises:
            Unavailable: the lake does not answer; the same query may succeed later.
        """
        with self._told_unavailable(), super().reading(timeout_s) as cursor:
            yield cursor

    @contextlib.contextmanager
    def _told_unavailable(self) -> Iterator[None]:
        """Turn what the lake's end looks like into Unavailable, without the catalog's address."""
        try:
            yield
        except StoreClosed:  # it could not be attached again
            if self._is_closed:
                raise
            raise Unavailable(self.error or NO_ANSWER) from None
        except duckdb.Error as error:
            text = self.where.without_secrets(str(error))
            if not isinstance(error, GONE) and text == str(error).splitlines()[0]:
                raise
            self.error = f"{NO_ANSWER}: {text}"  # `renew` attaches it again
            raise Unavailable(self.error) from None

    def _attach_again(self) -> None:
        """Open a new connection where the one that there is reaches the lake no more."""
        if not self._is_closed:
            try:
                self.reopen()
            except OtelThreadsError as error:
                self.error = str(error)
            except duckdb.Error as error:
                self.error = f"{NO_ANSWER}: {describe(error)}"

    def _works(self, connection: duckdb.DuckDBPyConnection) -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"from {LAKE}.{layout.STORED}.{layout.VERSIONS}").fetchone()
        except duckdb.Error:
            return False
        return True

    @contextlib.contextmanager
    def transaction(self, *, checkpoint: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor on what is held; what it changed of annotations goes to the lake.

        It is in the lake when this returns, and seen here at once.

        Raises:
            NotConfigured: something else was to be written, or the catalog is only read.
            Unavailable, StoreFailed: the lake does not answer; nothing was written.
        """
        with self._renewing, self._told_unavailable(), self.cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
                with self.cursor() as before:
                    found = edits.changes(before, cursor, self.written)
                if found:
                    self._edits.append(found, self._seen)
            except BaseException as error:
                with contextlib.suppress(duckdb.Error):
                    cursor.rollback()
                if isinstance(error, NOT_HERE):
                    raise NotConfigured(READ_ONLY) from None
                raise
            cursor.commit()
        with self._lock:
            self._commits += 1

    def delete_threads(
        self, project: str, thread_ids: Sequence[str]
    ) -> tuple[list[str], list[tuple[str, str]]]:
        """Delete threads; return the ids that were here, and the threads that changed.

        Raises:
            NotConfigured: the catalog is only read.
            Unavailable, StoreFailed: the lake does not answer; nothing was deleted.
        """
        with self._renewing, self._told_unavailable(), self.cursor() as cursor:
            found = cursor.execute(
                "select distinct thread_id from x_thread_facts where project = ?"
                " and list_contains(?, thread_id)",
                [project, list(thread_ids)],
            ).fetchall()
            here = sorted(thread_id for (thread_id,) in found)
            keys = [(project, thread_id) for thread_id in dict.fromkeys(thread_ids)]
            self._edits.delete(keys)
            self._go_on(cursor)
        return here, [(project, thread_id) for thread_id in here]

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
                f"select sum(file_size_bytes) from ducklake_table_info('{LAKE}')"  # noqa: S608  # our own name
            ).fetchone()
            return int(row[0] or 0) if row else 0
        return 0

    def _hold(
        self,
        cursor: duckdb.DuckDBPyConnection,
        at: str,
        sizes: dict[str, tuple[int, ...]],
        empty: Collection[str],
    ) -> tuple[int, int]:
        """Read what is held of tables that have other rows now; return what ends what was said."""
        said, is_first, is_other = self._said, self._version < 0, False
        held = schema.held_tables(native(), at, self.written, empty, only=self.only)
        for place, text in held.items():
            name = place.rpartition(".")[2]
            is_changed = self._sizes.get(name) != sizes.get(name)
            has_files = any(sizes.get(name, ()))
            if is_first or is_changed or (is_other and has_files):
                cursor.execute(f"create or replace table {place} as {text}")
            if name == layout.JOINED_UNITS:  # both books are read: the rest hangs on them
                said = _ended(cursor)
                is_other = said != self._said or is_changed
        return said

    def newest(self) -> tuple[int, float]:
        """Return the highest commit of any node, and when the last batch came (Unix seconds)."""
        return self._newest

    def close(self, *, checkpoint: bool = True) -> None:
        """Let go of the lake. Safe to call twice."""
        self._is_closed = True
        self._renewals.stop()  # what it waits for may be long gone
        if self._renewing.acquire(timeout=CLOSE_S_MAX):
            self._edits.close()
            self._renewing.release()
        super().close(checkpoint=checkpoint)


class LakeDeletion:
    """Deletes threads from a lake, and thereby from its nodes."""

    def __init__(self, database: LakeDatabase) -> None:
        self._database = database

    def threads(
        self, project: str, thread_ids: Sequence[str]
    ) -> tuple[list[str], list[tuple[str, str]]]:
        """Delete threads; return the ids that were here, and the threads that changed."""
        return self._database.delete_threads(project, thread_ids)

    def traces(self, trace_ids: Sequence[str], *, project: str | None) -> NoReturn:
        """Refuse: a node knows what else hangs on a trace.

        Raises:
            NotConfigured: always.
        """
        raise NotConfigured(READ_ONLY)

    def trace_ids(self, project: str, limit: int) -> NoReturn:
        """Refuse, as `traces`.

        Raises:
            NotConfigured: always.
        """
        raise NotConfigured(READ_ONLY)


def _ended(cursor: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Return how many entries end what was said, and the sum of their batches."""
    row = cursor.execute(
        "select count(*), coalesce(sum(lake_batch), 0)::bigint"  # noqa: S608  # our own names
        f" from {layout.DEAD} where kind = '{layout.SAID}'"  # our own names
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _sizes(cursor: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, ...]]:
    """Return numbers of each table of the lake that differ once it has other rows."""
    found = cursor.execute(
        "select table_name, file_count, file_size_bytes, delete_file_count, delete_file_size_bytes"  # noqa: S608  # ours
        f" from ducklake_table_info('{LAKE}')"  # our own name
    ).fetchall()
    return {name: tuple(numbers) for name, *numbers in found}


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
