"""The DuckDB file: how it is opened, shared within the process, reopened after a fatal error.

Nobody outside this room gets a connection. Settings and their reasons: docs/store.md.
"""

import contextlib
import functools
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import duckdb

from otel_threads import deadline, durable
from otel_threads.core.errors import (
    DatabaseRefused,
    OtelThreadsError,
    QueryTimeout,
    StoreClosed,
    StoreFailed,
    describe,
)
from otel_threads.database import (
    allocator,
    atomic_create,
    checkpoint_journal,
    duckdb_versions,
    file_watch,
    migrations,
)
from otel_threads.database.checkpoint_lock import CheckpointLock
from otel_threads.database.duckdb_threads import DuckDBThreads
from otel_threads.database.engine_errors import classified, is_fatal, refused
from otel_threads.database.file_watch import FileWatch, Loss, free_name

logger = logging.getLogger(__name__)
CATALOG = "otel_threads"
ROW_GROUP_SIZE = 8192  # the default of 122,880 rewrites up to 540 MB of prompts a checkpoint
# Of a new file. Until rows are checkpointed, each column of each row group holds a block at least,
# and one for its nulls: with the default of 256 KiB 50 MB of WAL fill 192 MiB, and are swapped out.
BLOCK_BYTES = 64 << 10
WAL_BYTES_MAX = (
    64 << 20
)  # a checkpoint comes past it: more stalls commits longer, less writes more often
# A process of external SQL replays the WAL first: past it a checkpoint comes before, if none waits.
WAL_REPLAYED_BYTES_MAX = 16 << 20
WAL_SHARED_BYTES_MAX = 2 * WAL_BYTES_MAX  # past it a new query of external SQL waits for others
WAL_HELD_BYTES_MAX = 8 * WAL_BYTES_MAX  # past it those that run are ended
LEAVING_S_MAX = 5.0  # what other threads get to leave a database that is closed
INTERRUPT_EVERY_S = 0.05  # one of them may have begun its next query
STORAGE_VERSION = "v1.5.0"  # so that DuckDB 1.5 and 2.x both open the file
IN_OUR_FILE = (None, Loss.WAL_DELETED, Loss.MOVED)  # a checkpoint writes over nobody's file
_TORN = re.compile(r"Corrupt WAL file: entry at byte position (\d+)")
# DuckDB names the first byte after an entry's header, which is its size and its checksum.
_WAL_ENTRY_HEADER_BYTES = 16


class ChangeNotes(Protocol):
    """Notes what changes, where a lake wants to know: store/outbox.py."""

    def note_traces(
        self, cursor: duckdb.DuckDBPyConnection, kind: str, trace_ids: Sequence[str], sequence: int
    ) -> None:
        """Note traces whose rows of a kind changed, in the caller's transaction."""

    def note_threads(
        self,
        cursor: duckdb.DuckDBPyConnection,
        keys: Sequence[tuple[str, str]],
        sequence: int,
    ) -> None:
        """Note threads whose rows changed, in the caller's transaction."""

    def note_deleted(
        self,
        cursor: duckdb.DuckDBPyConnection,
        keys: Sequence[tuple[str, str]],
        sequence: int,
    ) -> None:
        """Note threads that were deleted by hand, in the caller's transaction."""

    def note_all(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Note all that there is, in the caller's transaction."""


class Listener(Protocol):
    """Another way in, which DuckDB itself serves: Quack."""

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load what it needs, before the settings of the connection are locked."""

    def serve(self, connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
        """Listen until the connection is closed."""


class Database:
    """One open file. Any thread may ask for a cursor; each cursor belongs to its thread."""

    def __init__(
        self,
        path: str,
        *,
        memory_limit_bytes: int,
        read_only: bool = False,
        listener: Listener | None = None,
    ) -> None:
        """Open or create the file and bring its schema up to date; then have `listener` listen.

        Raises:
            DatabaseRefused: another process holds it, it is newer than this program, or it is no
                database; the message says what to do.
        """
        self.path = path
        self.memory_limit_bytes = memory_limit_bytes
        self.read_only = read_only
        self._listener = listener
        self._thread = threading.local()  # of the open reading: .reading, its cursor; .commits
        self._lock = threading.Lock()  # guards _connection, _cursors, _reopener and _commits
        self._left = threading.Condition(self._lock)  # a cursor was closed, or a reopen is over
        self._cursors: dict[duckdb.DuckDBPyConnection, int] = {}  # open ones, and whose they are
        self._reopener: int | None = None  # the thread that closes and opens just now
        self._commits = 0  # of this process, the only one that writes
        self._empty: dict[str, int] = {}  # tables that held no row after so many commits
        self._filled: set[str] = set()  # tables that are known to have had rows
        self._checkpoint_at_bytes = WAL_BYTES_MAX
        # What the listener is asked may be a checkpoint of its own.
        self._files = FileWatch(path, has_headers=listener is None and duckdb_versions.is_tested())
        self._looking = threading.Lock()  # held while the files are looked at; guards the next
        self._checkpointing = False
        self._checkpoint_lock = CheckpointLock()  # shared while the file must not change
        # Asked to end what reads the file beside us, because it must change now.
        self.on_file_wanted: Callable[[], object] = lambda: None
        self.outbox: ChangeNotes | None = None  # hears of changes where a lake is set
        # Fewer threads wait for what the others do; what the listener is asked may take long.
        self._duckdb_threads = DuckDBThreads(always_all=listener is not None)
        self._connection: duckdb.DuckDBPyConnection | None = self._open()
        try:
            with self.cursor() as cursor:
                self._prepare_schema(cursor)
            self._listen(self._connection)
            self._files_opened()
        except BaseException:
            self.close(checkpoint=False)
            raise

    def _prepare_schema(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Bring the schema up to date, or check that it is."""
        if self.read_only:
            migrations.check(cursor, self.path)
        else:
            migrations.migrate(cursor, self.path)

    def _open(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{self.memory_limit_bytes}B",
                "temp_directory": f"{self.path}.tmp",
                "preserve_insertion_order": "true",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        options = "TYPE duckdb, "  # else a CSV, say, would be opened as a database in memory
        if self.read_only:
            options += "READ_ONLY"
        else:
            options += f"ROW_GROUP_SIZE {ROW_GROUP_SIZE}, STORAGE_VERSION '{STORAGE_VERSION}'"
            options += self._prepare_file(connection, options)
        quoted = self.path.replace("'", "''")
        try:
            connection.execute(f"attach '{quoted}' as {CATALOG} ({options})")
            connection.execute("set global TimeZone = 'UTC'")
            if self._listener:
                self._listener.prepare(connection)
            # We checkpoint the WAL ourselves, so that a backup can hold it off while it copies.
            connection.execute("set checkpoint_threshold = '1TB'")
            # Nor when it is closed: somebody may have written over the file, or restored another.
            connection.execute("pragma disable_checkpoint_on_shutdown")
            self._duckdb_threads.opened(connection)
            # Whatever SQL gets in from outside, no file but ours can be reached by it.
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
        except duckdb.Error as error:
            connection.close()
            torn = _TORN.search(str(error))
            if torn and not self.read_only and self._truncate_wal(int(torn[1])):
                return self._open()
            raise refused(self.path, error) from error
        except DatabaseRefused:
            connection.close()
            raise
        return connection

    def _prepare_file(self, connection: duckdb.DuckDBPyConnection, options: str) -> str:
        """Make a new file, or put an old one in order; return what ATTACH shall have besides."""
        if not Path(self.path).exists():  # an older file keeps its own; `compact` makes a new one
            block = f", BLOCK_SIZE {BLOCK_BYTES}"
            atomic_create.make(self.path, connection, options + block)
            return block
        if checkpoint_journal.restore(self.path):
            logger.warning(
                "%s was left in the middle of a checkpoint: what it had overwritten is restored",
                self.path,
            )
        return ""

    def _truncate_wal(self, position: int) -> bool:
        """Cut the WAL before what a power cut tore; the whole is kept. False when it is shorter.

        The header goes too: one of zeros is as torn as what follows it.
        """
        position -= _WAL_ENTRY_HEADER_BYTES
        wal = Path(f"{self.path}.wal")
        size_bytes = _bytes_of(wal)
        if size_bytes <= position:
            return False
        kept = free_name(wal, "damaged")
        shutil.copyfile(wal, kept)
        durable.sync(kept)
        durable.sync_names(kept.parent)
        os.truncate(wal, position)
        logger.error(
            "%s is damaged at byte %d of %d: going on with what is before it; kept whole as %s",
            wal,
            position,
            size_bytes,
            kept,
        )
        return True

    def _listen(self, connection: duckdb.DuckDBPyConnection) -> None:
        if self._listener:
            self._listener.serve(connection, CATALOG)

    @contextlib.contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor of its own; it is closed afterwards, with whatever it had open.

        Raises:
            StoreClosed: the database is closed.
        """
        thread = threading.get_ident()
        with self._left:
            while self._reopener not in (None, thread):
                self._left.wait()
            if self._connection is None:
                raise StoreClosed("the database is closed")
            cursor = self._connection.cursor()
            self._cursors[cursor] = thread
        try:
            cursor.execute(f"use {CATALOG}")
            yield cursor
        except duckdb.InterruptException:
            if self._reopener is None:
                raise
            raise duckdb.FatalException("the database is being opened again") from None
        finally:
            _close_cursor(cursor)
            with self._left:
                self._cursors.pop(cursor, None)
                self._left.notify_all()

    @contextlib.contextmanager
    def transaction(self, *, checkpoint: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor inside a transaction: committed at the end, rolled back on any error.

        A caller who has somebody waiting for the commit passes `checkpoint=False` and calls
        `checkpoint` after.

        Raises:
            FileLost: the file is not where it was; what was committed may be lost with the process.
        """
        self.check_files()
        with self.cursor() as cursor, self._duckdb_threads.for_writing(cursor):
            cursor.begin()
            try:
                yield cursor
            except BaseException:
                with contextlib.suppress(duckdb.Error):  # a fatal error ended it already
                    cursor.rollback()
                raise
            cursor.commit()
        with self._lock:
            self._commits += 1
        self.check_files()
        if checkpoint:
            self.checkpoint()

    def check_files(self) -> None:
        """Return once the file and its WAL are where they belong, also after mending that.

        Raises:
            FileLost: they are not, and nothing that is committed now would last.
        """
        if self.read_only or (loss := self._look()) is None:
            return
        if loss is Loss.WAL_DELETED:
            self.checkpoint(whatever_size=True)  # brings all that is committed into the file
        elif loss is Loss.DELETED:
            self.reopen()
        elif loss is Loss.REPLACED:
            with self._looking:
                self._files.keep_replaced()
        if (now := self._look()) is not None:
            raise self._files.error(now)
        logger.error("%s: %s; it is whole again, nothing was lost", self.path, loss.value)

    def file_trouble(self, *, besides: Loss | None = None) -> str | None:
        """Return what became of the file, None while it is where it belongs."""
        if self.read_only:
            return None
        try:
            loss = self._look()
        except StoreFailed as error:
            return str(error)
        return None if loss in (None, besides) else str(self._files.error(loss))

    def _look(self) -> Loss | None:
        with self._looking:
            try:
                return self._files.look(unchanging=not self._checkpointing)
            except OSError as error:
                raise StoreFailed(f"{self.path} is not safe on disk: {error.strerror}") from error

    def _files_opened(self) -> None:
        if not self.read_only:
            with self._looking:
                self._files.opened()
            self._look()

    @contextlib.contextmanager
    def _in_checkpoint(self) -> Iterator[None]:
        """Let the file change meanwhile; afterwards its folder is on disk."""
        with self._looking:
            self._checkpointing = True
        try:
            yield
        finally:
            with self._looking:
                self._checkpointing = False
                self._files.checkpointed()

    def checkpoint(self, *, whatever_size: bool = False) -> None:
        """Checkpoint the WAL into the file once it is long; not while a copy is made."""
        wal_bytes = self.wal_bytes()
        if not whatever_size and wal_bytes < self._checkpoint_at_bytes:
            return
        if self.file_trouble(besides=Loss.WAL_DELETED):
            return  # whoever commits next hears of it
        if whatever_size or wal_bytes >= WAL_HELD_BYTES_MAX:
            self.on_file_wanted()
        self._checkpoint(wait_s=None if whatever_size else 0.0)

    def _checkpoint(self, *, wait_s: float | None) -> None:
        if not self._checkpoint_lock.acquire(timeout_s=wait_s):
            return
        try:
            allocator.give_back()
            with (
                self._in_checkpoint(),
                self.cursor() as cursor,
                checkpoint_journal.kept(self.path, cursor, CATALOG),
            ):
                cursor.execute(f"checkpoint {CATALOG}")
        except duckdb.TransactionException:
            pass  # another transaction is just beginning or ending; the next commit tries again
        except (duckdb.Error, StoreClosed, OSError) as error:
            # Nothing is lost: the WAL is replayed at the next start, and the next try may succeed.
            logger.warning(
                "the WAL could not be checkpointed: %s; very large rows may need more than"
                " memory_limit_bytes (%d)",
                describe(error),
                self.memory_limit_bytes,
            )
            # Not at once again: what it lacked (memory, mostly) it would lack still.
            self._checkpoint_at_bytes = 2 * max(WAL_BYTES_MAX, self.wal_bytes())
            if is_fatal(error):  # the database is invalidated
                with contextlib.suppress(OtelThreadsError):  # else the next commit reopens
                    self.reopen()
        else:
            self._checkpoint_at_bytes = WAL_BYTES_MAX
        finally:
            self._checkpoint_lock.release()
            allocator.give_back()

    @contextlib.contextmanager
    def unchanging_file(self) -> Iterator[None]:
        """Keep the file as it is: meanwhile, commits go to its WAL alone."""
        with self._checkpoint_lock.shared():
            yield

    @contextlib.contextmanager
    def file_snapshot(self, timeout_s: float) -> Iterator[None]:
        """Keep the file as it is, for a process of external SQL that reads it.

        A long WAL is checkpointed first, because that process has to replay it.

        Raises:
            StoreClosed: the database is closed.
            Unavailable: others read it for `timeout_s`, and the WAL is too long to wait longer.
        """
        with self._left:
            while self._reopener is not None:
                self._left.wait()
            if self._connection is None:
                raise StoreClosed("the database is closed")
        wal_bytes = 0 if self.read_only else self.wal_bytes()
        if wal_bytes >= WAL_REPLAYED_BYTES_MAX and self._checkpoint_at_bytes == WAL_BYTES_MAX:
            self._checkpoint(wait_s=timeout_s if wal_bytes >= WAL_SHARED_BYTES_MAX else 0.0)
        with self._checkpoint_lock.shared(timeout_s):
            yield

    def put_settings(self, settings: dict[str, str]) -> None:
        """Store the settings that views read, in place of those of the last start."""
        with self.transaction() as cursor:
            cursor.execute("delete from x_settings")
            cursor.executemany("insert into x_settings values (?, ?)", list(settings.items()))

    @contextlib.contextmanager
    def reading(self, timeout_s: float) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor on one snapshot of the data; inside another reading of this thread, its.

        Its queries are interrupted after `timeout_s`, or with the caller's deadline.

        Raises:
            QueryTimeout: the time was up, or the caller hung up.
            Unavailable: spans that arrive took the memory; the same query may succeed later.
        """
        outer: duckdb.DuckDBPyConnection | None = getattr(self._thread, "reading", None)
        if outer is not None:
            yield outer
            return
        caller = deadline.current.get()
        if caller is not None:
            timeout_s = caller.remaining_s(timeout_s)
        with classified(), self.cursor() as cursor, self._duckdb_threads.for_query(cursor):
            if caller is not None:
                caller.watch(functools.partial(_interrupt, cursor))
            watchdog = threading.Timer(timeout_s, _interrupt, (cursor,))
            watchdog.daemon = True
            watchdog.start()
            try:
                self._thread.commits = self._commits  # before the snapshot that is read
                cursor.begin()
                self._thread.reading = cursor
                yield cursor
            except duckdb.InterruptException:
                if self._reopener is not None:
                    raise  # that was not the watchdog
                raise QueryTimeout(
                    f"stopped after {timeout_s:g} s, the limit for one query"
                ) from None
            finally:
                self._thread.reading = None
                watchdog.cancel()
                if caller is not None:
                    caller.watch(None)

    def holds_rows(self, cursor: duckdb.DuckDBPyConnection, table: str) -> bool:
        """Return whether a table may have rows, inside `reading`: many stay empty, and a look is
        cheaper than a query. That it was empty holds until the next commit. A condition may follow
        the table's name."""
        if table in self._filled:
            return True
        commits = self._thread.commits
        if self._empty.get(table) == commits:
            return False
        query = f"select 1 from {table} limit 1"  # noqa: S608  # one of our names
        if cursor.execute(query).fetchone():
            self._filled.add(table)
            return True
        self._empty[table] = commits
        return False

    def reopen(self) -> None:
        """Close and open again: what DuckDB needs after an error that it calls fatal.

        Raises:
            DatabaseRefused: it cannot be opened (the disk is still full, say); try again later.
        """
        with self._left:
            while self._reopener is not None:
                self._left.wait()
            is_deleted = not self.read_only and self._look() is Loss.DELETED
            if self._connection is not None and self._works(self._connection) and not is_deleted:
                return  # another thread was faster
            self._reopener = threading.get_ident()
            self.on_file_wanted()
            try:
                if self._connection is not None:
                    self._evict_others()
                    self._close_connection(self._connection, is_deleted=is_deleted)
                    self._connection = None
                self._connection = self._open()
                self._listen(self._connection)
                self._files_opened()
            finally:
                self._reopener = None
                self._left.notify_all()

    def _works(self, connection: duckdb.DuckDBPyConnection) -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"from {CATALOG}.x_derive_state").fetchone()
        except duckdb.Error:
            return False
        return True

    def _close_connection(
        self, connection: duckdb.DuckDBPyConnection, *, is_deleted: bool = False
    ) -> None:
        """Close; a deleted file, which ends with its last handle, is written again before.

        Raises:
            StoreFailed: it cannot be written; the connection is open still.
        """
        if not is_deleted:
            connection.close()
            return
        try:
            kept = self._files.rescue()
            connection.close()
            file_watch.put_in_place(kept, Path(self.path))
        except OSError as error:
            raise StoreFailed(
                f"{self.path} was deleted and cannot be written again: {error.strerror or error}"
            ) from error

    def _evict_others(self) -> None:
        """Interrupt what other threads do, and end what they leave open; `_lock` is held.

        Closing a connection that is within a transaction, of an invalidated database, ends the
        process: DuckDB rolls back in a destructor, and that throws.
        """
        self._interrupt_others()
        for cursor in self._cursors:  # this thread's own, too
            _close_cursor(cursor)

    def _interrupt_others(self) -> None:
        """Interrupt what other threads do, and give them time to leave; `_lock` is held."""
        until = time.monotonic() + LEAVING_S_MAX
        while self._others() and time.monotonic() < until:
            for cursor in self._others():
                _interrupt(cursor)
            self._left.wait(INTERRUPT_EVERY_S)

    def _others(self) -> list[duckdb.DuckDBPyConnection]:
        return [cursor for cursor, thread in self._cursors.items() if thread != self._reopener]

    @property
    def is_open(self) -> bool:
        """Whether a cursor can be had."""
        return self._connection is not None

    def size_bytes(self) -> int:
        """Return what the file and its WAL take on disk."""
        return _bytes_of(Path(self.path)) + _bytes_of(Path(f"{self.path}.wal"))

    def state(self) -> object:
        """Return something that differs after each change: sizes and times of the two files."""
        found = []
        for name in (self.path, f"{self.path}.wal"):
            with contextlib.suppress(FileNotFoundError):
                status = Path(name).stat()
                found.append((status.st_size, status.st_mtime_ns))
        return found

    def wal_bytes(self) -> int:
        """Return what the WAL takes on disk."""
        return _bytes_of(Path(f"{self.path}.wal"))

    def memory_bytes(self) -> int:
        """Return what DuckDB holds of its memory limit; 0 while it cannot be asked."""
        with contextlib.suppress(duckdb.Error, StoreClosed), self.cursor() as cursor:
            row = cursor.execute("select sum(memory_usage_bytes) from duckdb_memory()").fetchone()
            return int(row[0]) if row else 0
        return 0

    def close(self, *, checkpoint: bool = True) -> None:
        """Checkpoint the WAL into the file and close it. Safe to call twice."""
        with self._left:
            connection, self._connection = self._connection, None
            if connection is None:
                return
            if self._works(connection):
                self._interrupt_others()
            else:
                self._evict_others()
        loss = None if self.read_only else self._last_look()
        if checkpoint and not self.read_only and loss in IN_OUR_FILE:
            # A failed checkpoint loses nothing: the WAL is replayed at the next start.
            failures = contextlib.suppress(duckdb.Error, OSError)
            with failures, checkpoint_journal.kept(self.path, connection, CATALOG):
                connection.execute(f"checkpoint {CATALOG}")
        try:
            self._close_connection(connection, is_deleted=loss is Loss.DELETED)
        except StoreFailed as error:
            logger.error("%s", error)
            connection.close()

    def _last_look(self) -> Loss | None:
        try:
            loss = self._look()
            if loss not in (*IN_OUR_FILE, Loss.DELETED):
                self._files.leave()
                logger.error("%s", self._files.error(loss))
        except (StoreFailed, OSError) as error:
            logger.error("%s", error)
            return None
        return loss


def _interrupt(cursor: duckdb.DuckDBPyConnection) -> None:
    with contextlib.suppress(duckdb.ConnectionException):  # its thread closed it at this moment
        cursor.interrupt()


def _close_cursor(cursor: duckdb.DuckDBPyConnection) -> None:
    _roll_back(cursor)
    with contextlib.suppress(duckdb.Error):
        cursor.close()


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """End the transaction, if there is one; an interrupt of another thread may stop that, too."""
    while True:
        try:
            cursor.rollback()
        except duckdb.InterruptException:
            continue
        except duckdb.Error:  # mostly that there is no transaction
            return
        return


def _bytes_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def dictionaries(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return what the last query found, one dictionary a row."""
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
