"""The one thread that writes what senders sent: group commit, answers after the commit.

Batches that arrive while a commit runs share the next one, so a busy server makes fewer, larger
commits and an idle one answers at once. There is no timer to tune.
"""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from otel_threads import tracing
from otel_threads.core.errors import FileLost, OtelThreadsError, StoreClosed, StoreFailed, describe
from otel_threads.core.ports import Batch
from otel_threads.database import sql_files
from otel_threads.database.arrow import append, register, unregister
from otel_threads.database.database import Database
from otel_threads.database.engine_errors import is_fatal
from otel_threads.decode import columns
from otel_threads.decode import logs as log_rows
from otel_threads.decode.tables import CHILDREN
from otel_threads.metrics import COMMIT_SECONDS, COMMITS, RESENT_SPANS
from otel_threads.store.outbox import RAW
from otel_threads.store.records import record_rows
from otel_threads.store.spans import replaced, texts
from otel_threads.store.spans.chains import Chains
from otel_threads.store.spans.dedup import RecentSpans, hashes_of

logger = logging.getLogger(__name__)

BATCHES_MAX = 64  # batches that share a commit
BYTES_MAX = 32 * 1024 * 1024  # Arrow bytes that share a commit: bounds memory and the longest wait
QUEUED_MAX = 3  # batches decoded ahead of the commit
RESENT_SPANS_SQL = sql_files.query("resent_spans")
RESENT_LOGS_SQL = sql_files.query("resent_logs")
LAST_SEQUENCE_SQL = sql_files.query("last_sequence")

Done = Callable[[Exception | None], None]


class BatchWriter:
    """A `SpanWriter` over a `Database`."""

    def __init__(
        self,
        database: Database,
        *,
        chains: Chains | None = None,
        on_commit: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Start the thread. `on_commit` hears the number of each commit, in that thread."""
        self._database = database
        self._chains = chains or Chains()
        self._on_commit = on_commit
        with database.cursor() as cursor:
            row = cursor.execute(LAST_SEQUENCE_SQL).fetchone()
            last = cursor.execute("select max(start_time_unix_nano) from spans").fetchone()
            self._columns = {
                name: [column for column, *_ in cursor.execute(f"describe {name}").fetchall()]
                for name in ("spans", *CHILDREN, "log_records", "x_log_chunks")
            }
        self.committed_sequence: int = row[0] if row else 0
        known_after = last[0] if last and last[0] is not None else -1
        self._recent = RecentSpans(stored_until_unix_nano=known_after)
        self.failed: Exception | None = None  # the last commit's error; None when it went well
        self._queue: deque[tuple[Batch, Done]] = deque()
        self._closed = False
        self._changed = threading.Condition()  # guards the two above
        self._thread = threading.Thread(target=self._run, name="span-writer", daemon=True)
        self._thread.start()

    def write(self, batch: Batch, done: Done) -> None:
        """See `ports.SpanWriter`."""
        with self._changed:
            while len(self._queue) >= QUEUED_MAX and not self._closed:
                self._changed.wait()
            if self._closed:
                raise StoreClosed("the span writer has stopped")
            self._queue.append((batch, done))
            self._changed.notify_all()

    def close(self) -> None:
        """See `ports.SpanWriter`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            self._settle(group)

    def _next_group(self) -> list[tuple[Batch, Done]]:
        """Return what waits, within the limits of one commit; empty once closed and drained."""
        with self._changed:
            while not self._queue and not self._closed:
                self._changed.wait()
            group: list[tuple[Batch, Done]] = []
            size_bytes = 0
            while self._queue and len(group) < BATCHES_MAX and size_bytes < BYTES_MAX:
                waiting = self._queue.popleft()
                group.append(waiting)
                size_bytes += sum(table.nbytes for table in waiting[0].spans.values())
                size_bytes += waiting[0].record_bytes
            self._changed.notify_all()
            return group

    def _settle(self, group: list[tuple[Batch, Done]]) -> None:
        """Commit the group as one; if that fails, each batch alone: a bad one fails alone."""
        error: OtelThreadsError | None = None
        try:
            self._commit_or_make_room([batch for batch, _ in group])
        except FileLost as lost:  # of no batch's making
            error = lost
        except Exception as caught:  # noqa: BLE001  # must survive anything; every sender is told
            if is_fatal(caught):
                self._reopen(caught)
            elif len(group) > 1:
                for waiting in group:
                    self._settle([waiting])
                return
            else:
                logger.error("could not store a batch: %s", describe(caught))
            error = StoreFailed(f"the database did not take it: {_first_line(caught)}")
        self.failed = error
        _answer(group, error)
        group.clear()  # what was stored need not stay during a checkpoint
        self._database.checkpoint()  # after the responses: it may take long

    def _commit_or_make_room(self, batches: list[Batch]) -> None:
        """Commit; out of memory, checkpoint the WAL, and try once more."""
        try:
            self._commit(batches)
        except duckdb.OutOfMemoryException as error:
            if is_fatal(error):
                raise
            # Rows in the log take memory, too, and the next commit would find no more than this.
            self._database.checkpoint(whatever_size=True)
            self._commit(batches)

    def _reopen(self, cause: Exception) -> None:
        logger.error("DuckDB gave up the database (%s); opening it again", _first_line(cause))
        try:
            self._database.reopen()
        except OtelThreadsError as error:
            logger.error("%s", error)

    def _commit(self, batches: list[Batch]) -> None:
        started = time.perf_counter()
        if not self._database.is_open:
            self._database.reopen()
        sequence = self.committed_sequence + 1
        tables = _together([batch.spans for batch in batches])
        logs = pa.concat_tables([batch.logs for batch in batches])
        records = [one for batch in batches for one in batch.records]
        counts = {"batches": len(batches), "spans": tables["spans"].num_rows}
        with (
            tracing.span("commit", **counts),
            self._remembering(),
            self._database.transaction(checkpoint=False) as cursor,
        ):
            tables, changed = _without_resent(cursor, tables, self._recent)
            self._note_replaced(cursor, changed, sequence)
            content = self._chains.rows(tables["x_content_chunks"], sequence)
            tables = {**tables, "x_content_chunks": content}
            logs = _without_resent_logs(cursor, logs)
            for name in ("spans", *CHILDREN):
                _insert(cursor, name, self._columns[name], tables[name], sequence)
            self._insert_logs(cursor, logs, sequence)
            stored_records = record_rows.insert(cursor, records, sequence, self._chains)
        COMMITS.inc()
        COMMIT_SECONDS.observe(time.perf_counter() - started)
        if tables["spans"].num_rows or logs.num_rows or stored_records:
            self.committed_sequence = sequence
            self._on_commit(sequence)

    def _note_replaced(
        self, cursor: duckdb.DuckDBPyConnection, trace_ids: Sequence[str], sequence: int
    ) -> None:
        if trace_ids and self._database.outbox is not None:
            self._database.outbox.note_traces(cursor, RAW, trace_ids, sequence)

    def _insert_logs(
        self, cursor: duckdb.DuckDBPyConnection, logs: pa.Table, sequence: int
    ) -> None:
        _insert(cursor, "log_records", self._columns["log_records"], logs, sequence)
        if logs.num_rows:
            long = log_rows.chunks_of(logs)
            long = texts.add_of_logs(cursor, self._chains, logs, long, sequence)
            _insert(cursor, "x_log_chunks", self._columns["x_log_chunks"], long, sequence)

    @contextlib.contextmanager
    def _remembering(self) -> Iterator[None]:
        """Hold the chains until the commit is made; what was not stored is not remembered."""
        with self._chains.lock:
            try:
                yield
            except BaseException:
                self._chains.forget()
                raise


def _answer(group: Sequence[tuple[Batch, Done]], error: OtelThreadsError | None) -> None:
    for _, done in group:
        done(error)


def _insert(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    names: Sequence[str],
    rows: pa.Table,
    sequence: int,
) -> None:
    if not rows.num_rows:
        return
    numbered = rows.append_column("ingest_seq", pa.repeat(pa.scalar(sequence), rows.num_rows))
    if table == "spans":  # none that comes as a span was folded from records
        numbered = numbered.append_column("record_id", pa.nulls(rows.num_rows, pa.string()))
    append(cursor, table, numbered.select(names))


def _together(batches: Sequence[Mapping[str, pa.Table]]) -> dict[str, pa.Table]:
    """Return the tables of several batches as one; `span_row` counts on from batch to batch."""
    if len(batches) == 1:
        return dict(batches[0])
    joined = {"spans": pa.concat_tables([batch["spans"] for batch in batches])}
    for name in CHILDREN:
        parts, before = [], 0
        for batch in batches:
            table = batch[name]
            rows = pa.array(table.column("span_row").to_numpy() + before)
            parts.append(table.set_column(table.num_columns - 1, "span_row", rows))
            before += batch["spans"].num_rows
        joined[name] = pa.concat_tables(parts)
    return joined


def _without_resent(
    cursor: duckdb.DuckDBPyConnection, tables: dict[str, pa.Table], recent: RecentSpans
) -> tuple[dict[str, pa.Table], list[str]]:
    """Return the rows of spans to store: neither stored already nor twice in the batch.

    And the traces of which something was deleted for it.

    Of a span that comes in several versions the most complete stays, in whatever order they come:
    some senders tell of a span when it starts, and again when it is whole. What is stored of a
    span that the batch has more of is deleted.
    """
    spans = tables["spans"]
    if not spans.num_rows:
        return tables, []
    trace_ids, span_ids = _fixed(spans.column("trace_id"), 32), _fixed(spans.column("span_id"), 16)
    hashes = hashes_of(trace_ids, span_ids)
    starts = spans.column("start_time_unix_nano").to_numpy()
    first, last = int(starts.min()), int(starts.max())
    keep = np.ones(spans.num_rows, dtype=bool)
    if len(np.unique(hashes)) < spans.num_rows:
        keep = _best_of_id(spans, trace_ids, span_ids)
    changed: list[str] = []
    if recent.may_hold(hashes, first):
        missing, changed = _not_stored(cursor, spans, keep, {"first": first, "last": last})
        keep &= missing
    recent.add(hashes, last)
    if keep.all():
        return tables, changed
    RESENT_SPANS.inc(int((~keep).sum()))
    return columns.keep_spans(tables, keep), changed


def _not_stored(
    cursor: duckdb.DuckDBPyConnection, spans: pa.Table, keep: np.ndarray, bounds: dict[str, int]
) -> tuple[np.ndarray, list[str]]:
    """Return which rows the file lacks, or has a less complete version of: this is deleted.

    And the traces of which something was.

    `keep` are the rows that are asked about; `bounds` are those of their starts.
    """
    ids = spans.select(["project", "trace_id", "span_id", "end_time_unix_nano"])
    ids = ids.append_column("attribute_count", pa.array(_attribute_counts(spans)))
    ids = ids.append_column("row", pa.array(np.arange(spans.num_rows))).filter(pa.array(keep))
    register(cursor, "batch_ids", ids)
    found = cursor.execute(RESENT_SPANS_SQL, bounds).fetchnumpy()
    unregister(cursor, "batch_ids")
    missing = np.ones(spans.num_rows, dtype=bool)
    missing[found["row"]] = False
    better = np.asarray(found["row"])[np.asarray(found["is_more_complete"], dtype=bool)]
    traces: list[str] = []
    if len(better):
        ids = spans.select(["project", "trace_id", "span_id"]).take(better)
        replaced.delete(cursor, ids, bounds)
        missing[better] = True
        traces = sorted(set(ids.column("trace_id").to_pylist()))
    return missing, traces


def _best_of_id(spans: pa.Table, trace_ids: np.ndarray, span_ids: np.ndarray) -> np.ndarray:
    """Return which rows are the most complete of their project, trace_id and span_id in the batch.

    Of those that are alike it is the first.
    """
    projects = spans.column("project").combine_chunks().dictionary_encode().indices.to_numpy()
    ids = np.char.add(np.char.add(trace_ids, span_ids), projects.astype("S"))
    ends = spans.column("end_time_unix_nano").to_numpy()
    order = np.lexsort((np.arange(spans.num_rows), -_attribute_counts(spans), -ends))
    keep = np.zeros(spans.num_rows, dtype=bool)
    keep[order[np.unique(ids[order], return_index=True)[1]]] = True
    return keep


def _attribute_counts(spans: pa.Table) -> np.ndarray:
    """Return how many attributes each row has in its map."""
    chunks = [chunk for chunk in spans.column("attributes").chunks if len(chunk)]
    counts = [np.diff(chunk.offsets.to_numpy(zero_copy_only=False)) for chunk in chunks]
    return np.concatenate(counts).astype(np.int64)


def _fixed(column: pa.ChunkedArray, length: int) -> np.ndarray:
    """Return a column of texts that are all `length` bytes as a numpy array of bytes."""
    chunks = [chunk for chunk in column.chunks if len(chunk)]
    parts = []
    for chunk in chunks:
        offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int32)[chunk.offset :]
        data = np.frombuffer(chunk.buffers()[2], dtype=np.uint8)
        first = int(offsets[0])
        parts.append(data[first : first + length * len(chunk)].view(f"S{length}"))
    return np.concatenate(parts)


def _without_resent_logs(cursor: duckdb.DuckDBPyConnection, logs: pa.Table) -> pa.Table:
    if not logs.num_rows:
        return logs
    keep = np.zeros(logs.num_rows, dtype=bool)
    ids = zip(*(logs.column(name).to_pylist() for name in ("project", "fingerprint")), strict=True)
    keep[list({key: row for row, key in reversed(list(enumerate(ids)))}.values())] = True
    times = logs.column("time_unix_nano").to_numpy()
    register(
        cursor,
        "batch_ids",
        logs.select(["project", "fingerprint"]).append_column(
            "row", pa.array(np.arange(logs.num_rows))
        ),
    )
    bounds = {"first": int(times.min()), "last": int(times.max())}
    keep[cursor.execute(RESENT_LOGS_SQL, bounds).fetchnumpy()["row"]] = False
    unregister(cursor, "batch_ids")
    return logs.filter(pa.array(keep))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
