"""SQL from outside, on a moment of the data, bounded in time, rows, memory and number at once."""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads import tracing
from otel_threads.errors import InvalidQuery, Overloaded, QueryTimeout, Unavailable
from otel_threads.metrics import SQL_QUERIES
from otel_threads.store import guard
from otel_threads.store.database import Database

BATCH_ROWS = 8192
Params = Sequence[Any] | Mapping[str, Any] | None


class Question:
    """One query that runs: its columns, then its rows batch by batch."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, rows_max: int) -> None:
        self._cursor = cursor
        self._rows_max = rows_max
        self.columns: list[tuple[str, str]] = []  # name and DuckDB type
        self.schema: pa.Schema | None = None
        self.stopped = False
        self.out_of_memory = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield Arrow batches; memory holds one at a time.

        Raises:
            InvalidQuery: after `rows_max` rows, when there are more; or the query failed.
            QueryTimeout: the time was up.
            Unavailable: it was stopped to leave memory for what arrives.
        """
        left = self._rows_max
        with self.failing():
            reader = self._reader
            while True:
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
                if not batch.num_rows:
                    continue
                if batch.num_rows > left:
                    yield batch.slice(0, left)
                    raise InvalidQuery(
                        f"more than {self._rows_max} rows (sql_rows_max): add a limit or a where"
                    )
                left -= batch.num_rows
                yield batch

    def start(self, sql: str, params: Params) -> None:
        """Run the query up to its first rows."""
        if self.stopped:  # before it began: an interrupt would have hit nothing
            raise QueryTimeout("stopped: the caller hung up")
        with self.failing():
            self._cursor.execute(sql, params or [])
            self.columns = [(one[0], str(one[1])) for one in self._cursor.description or ()]
            self._reader = self._cursor.to_arrow_reader(BATCH_ROWS)
            self.schema = self._reader.schema

    def stop(self) -> None:
        """Interrupt it, from any thread: the caller hung up."""
        self.stopped = True
        self._cursor.interrupt()

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Turn what DuckDB says into our errors; its messages may name columns, never files."""
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as error:
            text = guard.first_lines(error)
            interrupted = isinstance(error, duckdb.InterruptException) or "INTERRUPT" in text
            if self.out_of_memory:
                raise Unavailable(
                    "stopped: it left no memory for spans that arrive. Select less at a time."
                ) from None
            if interrupted:
                raise QueryTimeout("stopped at the time limit for one query") from None
            if isinstance(error, duckdb.OutOfMemoryException):
                raise InvalidQuery(
                    "needs more memory than memory_limit_bytes: select less at a time"
                ) from None
            raise InvalidQuery(text) from None


class Outside:
    """What lets SQL from outside in."""

    def __init__(
        self, database: Database, *, timeout_s: float, rows_max: int, concurrent_max: int
    ) -> None:
        self._database = database
        self._timeout_s = timeout_s
        self._rows_max = rows_max
        self._room = threading.BoundedSemaphore(concurrent_max)
        self._concurrent_max = concurrent_max
        self._running: set[Question] = set()
        self._lock = threading.Lock()  # guards _running

    @contextlib.contextmanager
    def asking(self) -> Iterator[Question]:
        """Yield a question to `start`, which may be stopped meanwhile.

        Raises:
            Overloaded: as many run as may at once.
        """
        if not self._room.acquire(blocking=False):
            raise Overloaded(
                f"{self._concurrent_max} queries run already (sql_concurrent_max); try again"
            )
        try:
            with self._database.visiting(self._timeout_s) as cursor:
                question = Question(cursor, self._rows_max)
                with self._lock:
                    self._running.add(question)
                try:
                    yield question
                finally:
                    with self._lock:
                        self._running.discard(question)
        finally:
            self._room.release()

    def ask(self, question: Question, sql: str, params: Params) -> None:
        """Check a text and run it up to its first rows.

        Raises:
            InvalidQuery: it is not one query that only reads, or it fails.
            QueryTimeout: the time was up.
        """
        guard.check_type(sql)
        with self._database.cursor() as cursor:
            guard.check(cursor, sql)
        SQL_QUERIES.inc()
        with tracing.span("sql"):
            question.start(sql, params)

    def make_room(self) -> bool:
        """Stop what runs, because a commit ran out of memory; return whether anything ran."""
        with self._lock:
            running = list(self._running)
            for question in running:
                question.out_of_memory = True
                question.stop()
        return bool(running)
