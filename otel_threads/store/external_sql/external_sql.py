"""External SQL, on a snapshot of the data, bounded in time, rows, memory and number at once.

A query runs in a process of its own (sql_process.py), because nothing within DuckDB bounds every
query: a function over one long value hears no interrupt, and lists, strings and some aggregates
take memory outside of `memory_limit`. What passes a bound is ended with its process, and the
server does not notice: docs/decisions/003-external-sql.md.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from otel_threads import tracing
from otel_threads.core.errors import (
    InvalidQuery,
    OtelThreadsError,
    Overloaded,
    QueryTimeout,
    StoreClosed,
    Unavailable,
)
from otel_threads.database.database import Database
from otel_threads.metrics import SQL_QUERIES
from otel_threads.store.external_sql import sql_wire
from otel_threads.store.external_sql.sql_wire import END, FAILED
from otel_threads.store.external_sql.sql_worker import SqlWorker, remove_leftovers

Params = sql_wire.Params
WATCH_S = 0.02  # between two looks at time and memory: a query takes up to 100 MB in between
# Of a process beyond memory_limit_bytes: 100 MiB are its code and its start, the rest is what
# DuckDB does not count. The process bounds itself too (sql_process.DATA_BYTES_OVER).
RSS_BYTES_OVER = 224 << 20
IDLE_S = 15.0  # an idle process takes 90 MB; the next query would wait for the start of one
IDLE_WATCH_S = 1.0
CLOSE_S_MAX = 2.0  # for processes that were killed to be gone
IDLE_RSS_BYTES_MAX = 192 << 20  # one that holds more after its query is not kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One query of a caller; JSON is cut at `rows_max` rows."""

    sql: str
    params: Params = None
    format: str = "json"
    rows_max: int | None = None


class Question:
    """One query that waits or runs, and whose time runs from its making on."""

    def __init__(self, outside: "Outside", timeout_s: float) -> None:
        self._outside = outside
        self._timeout_s = timeout_s
        self.ends = time.monotonic() + timeout_s
        self._lock = threading.Lock()  # guards _worker and _reason
        self._worker: SqlWorker | None = None
        self._reason: OtelThreadsError | None = None
        self._open: Generator[tuple[bytes, bytes]] | None = None

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Run the query up to its first rows; return the blocks of the answer, which may fail.

        Raises:
            InvalidQuery: it is not one query that only reads, it fails, or needs too much memory.
            QueryTimeout: the time was up, or the caller hung up.
            Unavailable: it was stopped for the sake of what arrives; ask again.
        """
        SQL_QUERIES.inc()
        with tracing.span("sql"):
            self._open = frames = self._frames(asked)
            next(frames)  # the first one says that it runs
        return self._payloads(frames)

    def _payloads(self, frames: Iterator[tuple[bytes, bytes]]) -> Iterator[bytes]:
        is_whole = False
        for kind, payload in frames:
            if kind == END:
                is_whole = True
            else:
                yield payload
        if not is_whole:  # closed while its caller took long to read: no part is taken for all
            raise self._reason or QueryTimeout("stopped")

    def stop(self, reason: OtelThreadsError | None = None) -> None:
        """End the query, from any thread: its caller hung up, or for a reason that it is told."""
        with self._lock:
            self._reason = self._reason or reason or QueryTimeout("stopped: the caller hung up")
            if self._worker is not None:
                self._worker.kill()

    def close(self) -> None:
        """End the query if it has not ended, and let go of its process and of the file."""
        self.stop()
        if self._open is not None:
            # Another thread may be within it; what that waits for has just ended.
            with contextlib.suppress(ValueError):
                self._open.close()

    def check(self, now: float, rss_bytes_max: int) -> bool:
        """End the query where its time is up or its memory too much; return whether it goes on."""
        worker = self._worker
        if now >= self.ends:
            self.stop(
                QueryTimeout(
                    f"stopped after {self._timeout_s:g} s, the limit for one query"
                    " (query_timeout_s): select less at a time"
                )
            )
            return False
        if worker is not None and worker.rss_bytes() > rss_bytes_max:
            self.stop(_too_much_memory(self._outside.memory_limit_bytes))
            return False
        return True

    def _frames(self, asked: Asked) -> Generator[tuple[bytes, bytes]]:
        with self._outside.snapshot(self) as snapshot, self._outside.worker() as worker:
            with self._lock:
                if self._reason is not None:
                    raise self._reason
                self._worker = worker
            try:
                worker.send(self._outside.request(asked, snapshot))
                for kind, payload in worker.frames():
                    if kind == FAILED:
                        raise sql_wire.error_of(payload)
                    yield kind, payload
            except EOFError:
                raise self._reason or _ended(worker.exit_code(), self._outside) from None
            finally:
                with self._lock:
                    self._worker = None


class Outside:
    """What lets external SQL in, and ends what passes a bound."""

    def __init__(
        self,
        database: Database,
        *,
        timeout_s: float,
        rows_max: int,
        concurrent_max: int,
        start: Callable[[], SqlWorker] | None = None,
    ) -> None:
        """`start`: how a process begins, where it is not one that reads the database's file."""
        self._database = database
        self._start = start or self._start_worker
        self._timeout_s = timeout_s
        self._rows_max = rows_max
        self.memory_limit_bytes = database.memory_limit_bytes
        self._room = threading.BoundedSemaphore(concurrent_max)
        self._concurrent_max = concurrent_max
        self._changed = threading.Condition()  # guards what follows
        self._running: set[Question] = set()
        self._idle: list[tuple[float, SqlWorker]] = []  # since when
        self._ending: list[SqlWorker] = []  # killed; to be waited for
        self._watcher: threading.Thread | None = None
        self._closed = False
        if not database.read_only:
            remove_leftovers(database.path)
            database.on_file_wanted = self.stop_running  # who only reads has no checkpoints

    @contextlib.contextmanager
    def asking(self) -> Iterator[Question]:
        """Yield a query to run, which may be stopped meanwhile. Its time runs from here on.

        Raises:
            Overloaded: as many run as may at once.
            StoreClosed: the server is stopping.
        """
        if not self._room.acquire(blocking=False):
            raise Overloaded(
                f"{self._concurrent_max} queries run already (sql_concurrent_max); try again"
            )
        question = Question(self, self._timeout_s)
        with self._changed:
            if self._closed:
                self._room.release()
                raise StoreClosed("the server is stopping")
            self._running.add(question)
            self._watch()
        try:
            yield question
        finally:
            self._leave(question)

    def _leave(self, question: Question) -> None:
        """Let go of all that a query holds: from its caller, or for one who reads too slowly."""
        question.close()
        with self._changed:
            if question in self._running:
                self._running.discard(question)
                self._room.release()

    @contextlib.contextmanager
    def snapshot(self, question: Question) -> Iterator[str]:
        """Keep the file as it is meanwhile; yield what differs once it has changed."""
        remaining_s = max(0.0, question.ends - time.monotonic())
        with self._database.file_snapshot(remaining_s):
            yield repr(self._database.state())

    @contextlib.contextmanager
    def worker(self) -> Iterator[SqlWorker]:
        """Yield a process, one that waits or a new one.

        Raises:
            StoreFailed: none can be started.
        """
        worker = self._idle_worker() or self._start()
        try:
            yield worker
        finally:
            is_kept = worker.is_free and worker.rss_bytes() <= IDLE_RSS_BYTES_MAX
            if not is_kept:
                worker.kill()
            with self._changed:
                if is_kept and not self._closed:
                    self._idle.append((time.monotonic(), worker))
                else:
                    self._ending.append(worker)
                self._watch()

    def _start_worker(self) -> SqlWorker:
        return SqlWorker(
            self._database.path,
            memory_limit_bytes=self.memory_limit_bytes,
            is_written=not self._database.read_only,
        )

    def request(self, asked: Asked, snapshot: str) -> sql_wire.Request:
        """Return a query as it is sent to a process."""
        return sql_wire.Request(
            sql=asked.sql,
            params=asked.params,
            format=asked.format,
            rows_max=asked.rows_max,
            sql_rows_max=self._rows_max,
            snapshot=snapshot,
        )

    def stop_running(self) -> bool:
        """Stop what runs, because a checkpoint cannot wait; return whether anything ran."""
        with self._changed:
            running = list(self._running)
        for question in running:
            question.stop(
                Unavailable("stopped: what arrives needed a checkpoint of the database; try again")
            )
        return bool(running)

    def close(self) -> None:
        """End what runs and what waits; nothing is let in any more."""
        with self._changed:
            self._closed = True
            running = list(self._running)
            self._ending += [worker for _, worker in self._idle]
            self._idle = []
            watcher = self._watcher
            self._changed.notify_all()
        for question in running:
            question.stop(StoreClosed("the server is stopping"))
        if watcher is not None:
            watcher.join(CLOSE_S_MAX)

    def _idle_worker(self) -> SqlWorker | None:
        while True:
            with self._changed:
                if not self._idle:
                    return None
                _, worker = self._idle.pop()  # the one that was busy last
            if not worker.ended():
                return worker
            worker.close()

    def _watch(self) -> None:
        """Have somebody look at time and memory; `_changed` is held."""
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._keep_watch, name="sql-watch", daemon=True)
            self._watcher.start()
        else:
            self._changed.notify_all()

    def _keep_watch(self) -> None:
        rss_bytes_max = self.memory_limit_bytes + RSS_BYTES_OVER
        while True:
            with self._changed:
                if not self._running and not self._idle and not self._ending:
                    self._watcher = None
                    return
                if not self._ending:
                    self._changed.wait(WATCH_S if self._running else IDLE_WATCH_S)
                now = time.monotonic()
                running = list(self._running)
                ending, self._ending = self._ending, []
                ending += [worker for since, worker in self._idle if now - since > IDLE_S]
                self._idle = [pair for pair in self._idle if now - pair[0] <= IDLE_S]
            for question in running:
                if not question.check(now, rss_bytes_max):
                    self._leave(question)
            for worker in ending:
                worker.close()


def _too_much_memory(limit_bytes: int) -> InvalidQuery:
    return InvalidQuery(
        f"needs more memory than memory_limit_bytes ({limit_bytes}): select less at a time"
    )


def _ended(code: int, outside: Outside) -> InvalidQuery:
    """Return what the end of a process that nobody here ended means for its caller."""
    if -code in (signal.SIGKILL, signal.SIGABRT):  # the kernel's, or where no memory was to be had
        return _too_much_memory(outside.memory_limit_bytes)
    return InvalidQuery(f"the query ended its process (code {code}): simplify it")
