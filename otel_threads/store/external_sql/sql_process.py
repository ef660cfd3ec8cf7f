"""The process in which external SQL runs: parsed, planned, executed and encoded, one at a time.

Nothing within DuckDB bounds every query: a function over one value cannot be interrupted, and much
memory is outside of its limit. A process can be ended at any time, and the kernel bounds what it
has. It reads the server's file without a lock; the server keeps the file unchanged meanwhile.
"""

import contextlib
import os
import re
import resource
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

import duckdb
import orjson
import pyarrow as pa

from otel_threads.core.errors import DatabaseRefused, InvalidQuery, OtelThreadsError, Unavailable
from otel_threads.store.external_sql import (
    file_locks,
    sql_allowlist,
    sql_formats,
    sql_pivot,
)
from otel_threads.store.external_sql.sql_wire import (
    DATA,
    END,
    FAILED,
    HEADER,
    SPENT,
    STARTED,
    Request,
    failure,
)

CATALOG = "otel_threads"
BATCH_ROWS = 2048  # one of DuckDB's vectors: what a batch holds is outside of DuckDB's own limit
# Of the process, beyond DuckDB's own limit and what it has before the query: lists, strings, some
# aggregates and what becomes JSON are outside of that limit.
DATA_BYTES_OVER = 256 << 20
# What allocators have mapped grows from query to query, while what is resident does not. A process
# that has less than this left before its limit ends: the next query must have room.
DATA_BYTES_LEFT_MIN = 112 << 20
SPILL_BYTES_MAX = 2 << 30  # of a query on disk; a sort must not fill what spans are stored on
NICENESS = 5  # spans that arrive and people who read go first
TORN_TRIES = 3
_NO_MEMORY = re.compile(
    r"out of memory|bad_alloc|failed to allocate|allocation failure", re.IGNORECASE
)
_DATA = re.compile(r"^VmData:\s+(\d+) kB", re.MULTILINE)
_TORN = re.compile(r"Corrupt WAL file: entry at byte position (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The database, and the folder that this process alone has."""

    database: Path
    folder: Path
    memory_limit_bytes: int
    is_written: bool  # a server has it open for writing


def main(make: "Callable[[Place, BinaryIO, bool], Runner] | None" = None) -> None:
    """Answer requests from standard input until it ends; then end at once, whatever runs.

    `make` makes another runner than one of the file: of a place, its answers, and whether the file
    can be read without a lock.
    """
    database, folder, memory_limit_bytes, is_written = sys.argv[1:]
    place = Place(
        database=Path(database),
        folder=Path(folder),
        memory_limit_bytes=int(memory_limit_bytes),
        is_written=is_written == "written",
    )
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # nothing that a library prints gets among the frames
    # Before there are threads. Without it the file is copied: slow, but true.
    is_unlocked = file_locks.do_without()
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(requests, place.folder), daemon=True).start()
    _stand_back()
    if make is not None:
        runner = make(place, answers, is_unlocked)
    else:
        runner = Runner(place, answers, is_unlocked=is_unlocked)
    while True:
        runner.answer(Request(**orjson.loads(requests.get())))


class Runner:
    """One connection to one snapshot, renewed when the database has changed."""

    def __init__(self, place: Place, answers: BinaryIO, *, is_unlocked: bool) -> None:
        self._place = place
        self._answers = answers
        self._is_unlocked = is_unlocked
        self._snapshot: str | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None

    def answer(self, request: Request) -> None:
        """Run a query and write its frames; an error is a frame, too."""
        try:
            with self._failing():
                connection = self._connect(request.snapshot)
                with connection.cursor() as cursor:
                    self._run(cursor, request)
        except OtelThreadsError as error:
            end = FAILED, failure(error)
        else:
            end = END, b""
        if _data_bytes_left() < DATA_BYTES_LEFT_MIN:
            self._send(SPENT, b"")
        self._send(*end)

    def _run(self, cursor: duckdb.DuckDBPyConnection, request: Request) -> None:
        cursor.execute(f"use {CATALOG}")
        cursor.execute("begin transaction read only")
        sql = request.sql if request.params else _with_values(cursor, request.sql)
        sql_allowlist.check_type(sql)
        sql_allowlist.check(cursor, sql)
        cursor.execute(sql_allowlist.meant(sql), request.params or [])
        columns = [(one[0], str(one[1])) for one in cursor.description or ()]
        reader = cursor.to_arrow_reader(BATCH_ROWS)
        self._send(STARTED, b"")
        found = sql_formats.Found(
            columns, reader.schema, self._batches(reader, request.sql_rows_max)
        )
        for block in sql_formats.encode(found, request.format, rows_max=request.rows_max):
            if block:
                self._send(DATA, block)

    def _batches(self, reader: pa.RecordBatchReader, rows_max: int) -> Iterator[pa.RecordBatch]:
        left = rows_max
        while True:
            with self._failing():
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
            if batch.num_rows > left:
                yield batch.slice(0, left)
                raise InvalidQuery(
                    f"more than {rows_max} rows (sql_rows_max): add a limit or a where"
                )
            left -= batch.num_rows
            if batch.num_rows:
                yield batch

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn what DuckDB says into our errors; its messages may name columns, never files."""
        try:
            yield
        except (duckdb.OutOfMemoryException, MemoryError, pa.ArrowMemoryError):
            raise InvalidQuery(
                "needs more memory than memory_limit_bytes"
                f" ({self._place.memory_limit_bytes}): select less at a time"
            ) from None
        except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as error:
            text = sql_allowlist.first_lines(error)
            if isinstance(error, duckdb.FatalException | duckdb.InternalException):
                self._snapshot = None  # only a new connection helps
            if _NO_MEMORY.search(text):
                text = "needs more memory than memory_limit_bytes: select less at a time"
            raise self._failed(self._without_paths(text)) from None
        except RecursionError:
            raise InvalidQuery("the query is nested too deeply") from None
        except (ValueError, OverflowError, TypeError, KeyError) as error:
            raise InvalidQuery(
                f"a value has no form in this format ({error}):"
                " cast it to varchar, or ask for arrow"
            ) from None

    def _failed(self, text: str) -> OtelThreadsError:
        """Return the error for what DuckDB says of a query."""
        return InvalidQuery(text)

    def _without_paths(self, text: str) -> str:
        for path in (self._place.folder, self._place.database, self._place.database.parent):
            text = text.replace(str(path), "…")
        return text

    def _connect(self, snapshot: str) -> duckdb.DuckDBPyConnection:
        if self._connection is not None and self._snapshot == snapshot:
            return self._connection
        if self._connection is not None:
            self._connection.close()
        self._connection = self.attach()
        _bound_memory(self._place.memory_limit_bytes + DATA_BYTES_OVER)
        self._snapshot = snapshot
        return self._connection

    def attach(self) -> duckdb.DuckDBPyConnection:
        """Return a new connection to the database as it is now; whoever asks through it only reads.

        Raises:
            DatabaseRefused: the file cannot be read.
            Unavailable: it cannot be read just now.
        """
        place = self._place
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{place.memory_limit_bytes}B",
                "temp_directory": "spill",  # relative: no setting and no error shows where we are
                "max_temp_directory_size": f"{SPILL_BYTES_MAX}B",
                "preserve_insertion_order": "true",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        try:
            with self._file() as file:
                self._attach_file(connection, file)
        except duckdb.Error as error:
            connection.close()
            text = self._without_paths(sql_allowlist.first_lines(error))
            raise DatabaseRefused(f"the database cannot be read: {text}") from None
        connection.execute("set global TimeZone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        return connection

    def _attach_file(self, connection: duckdb.DuckDBPyConnection, file: Path) -> None:
        quoted = str(file).replace("'", "''")
        for _ in range(TORN_TRIES):
            try:
                connection.execute(f"attach '{quoted}' as {CATALOG} (TYPE duckdb, READ_ONLY)")
            except duckdb.Error as error:
                # A commit that was being written as the log was copied: nobody was answered yet.
                torn = _TORN.search(str(error))
                if not torn or not self._place.is_written:
                    raise
                os.truncate(f"{file}.wal", int(torn[1]))
            else:
                return
        raise Unavailable("the log of the database was being written; try again")

    @contextlib.contextmanager
    def _file(self) -> Iterator[Path]:
        """Yield the file under a name beside which the log stays as long as it is now."""
        if not self._place.is_written:
            yield self._place.database
            return
        file = self._place.folder / "snapshot.duckdb"
        log = Path(f"{file}.wal")
        try:
            self._link(file)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{self._place.database}.wal", log)
            yield file
        except OSError as error:
            raise Unavailable(f"the database cannot be read: {error.strerror}") from None
        finally:  # open files stay readable
            file.unlink(missing_ok=True)
            log.unlink(missing_ok=True)

    def _link(self, file: Path) -> None:
        if self._is_unlocked:
            with contextlib.suppress(OSError):  # a file system without links, say
                os.link(self._place.database, file)
                return
        shutil.copyfile(self._place.database, file)

    def _send(self, kind: bytes, payload: bytes) -> None:
        try:
            for part in (HEADER.pack(kind, len(payload)), payload):
                left = memoryview(part)
                while left:
                    left = left[self._answers.write(left) :]
        except OSError:
            _end(self._place.folder)  # the server is gone


def _with_values(cursor: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return a PIVOT that names no values with its values; any other text as it is."""
    pivot = sql_pivot.pivot_of(sql)
    if pivot is None:
        return sql
    sql_allowlist.check_type(pivot.values_sql)
    sql_allowlist.check(cursor, pivot.values_sql)
    return pivot.sql([value for (value,) in cursor.execute(pivot.values_sql).fetchall()])


def _read(requests: "SimpleQueue[bytes]", folder: Path) -> None:
    """Hand on requests, so that the end of the server is noticed while a query runs."""
    with os.fdopen(0, "rb") as lines:
        for line in lines:
            requests.put(line)
    _end(folder)


def _end(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _stand_back() -> None:
    """Put this process behind the server in every queue."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):  # where memory ends, the kernel ends this process first
            Path("/proc/self/oom_score_adj").write_text("1000")


def _bound_memory(more_bytes: int) -> None:
    """Let this process have so much more than it has; past that it is told that there is no more.

    The server looks at what is resident, too, but 20 ms apart; this holds at any moment. It counts
    what is mapped, so that much of what the process has before (stacks, say) is not resident.
    """
    if mapped_bytes := _data_bytes():
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (mapped_bytes + more_bytes, hard))


def _data_bytes_left() -> int:
    """Return how much more this process may map; much where nothing bounds it."""
    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    try:
        return soft - _data_bytes()
    except MemoryError:
        return 0


def _data_bytes() -> int:
    """Return what this process has mapped; 0 where that cannot be told."""
    if sys.platform != "linux":
        return 0
    found = _DATA.search(Path("/proc/self/status").read_text())
    return int(found[1]) << 10 if found else 0


if __name__ == "__main__":
    main()
