"""Keeps what the deriver makes: `ports.DerivedStore` over the database.

Rows are replaced by delete and insert within time bounds: recomputing is idempotent, and the
bounds let zone maps find old rows without an index.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads.core.errors import StoreFailed
from otel_threads.core.model import LogRecord, Span, TraceRows
from otel_threads.core.ports import ThreadKey, Work
from otel_threads.core.record import RecordRules
from otel_threads.core.trace_rows import LinkRow, PartRow, TurnRow
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, rows_of, table_of
from otel_threads.database.database import Database
from otel_threads.database.engine_errors import is_fatal
from otel_threads.derive.retold import settle
from otel_threads.derive.tool_result_links import join
from otel_threads.derive.turn_updates import turns_of
from otel_threads.store.derived import (
    derived_rows,
    payloads,
    record_traces,
    tool_links,
    turn_chunks,
)
from otel_threads.store.derived.derived_columns import (
    CALLS,
    EVALUATIONS,
    MESSAGES,
    PARTS,
    PAYLOADS,
    SLICES,
    TRACES,
    TURN_CHUNKS,
    TURNS,
)
from otel_threads.store.derived.replaced_turns import OF_TURNS, TouchedThreads
from otel_threads.store.outbox import DERIVED, RAW
from otel_threads.store.records import folding
from otel_threads.store.records.folding import RecordFolding
from otel_threads.store.records.joining import SpanJoining
from otel_threads.store.spans import span_rows as rows
from otel_threads.store.spans.chains import Chains
from otel_threads.store.spans.content import unjoined_content_of
from otel_threads.store.spans.texts import log_chunks

# New rows of one pass, unless a single commit holds more: as many as fill PASS_BYTES. Each pass has
# a price of its own, so many small spans are better taken together; large ones cost memory.
ROWS_FIRST, ROWS_MAX, PASS_BYTES = 4000, 24_000, 40 << 20
# The same rows may fit later. A commit that finds the disk full is a TransactionException.
PASSING = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.TransactionException)
TABLES = (
    "traces",
    "x_trace_slices",
    "calls",
    "x_turn_parts",
    "turns",
    "messages",
    "x_thread_facts",
    "x_evaluations",
    "x_tool_links",
    "x_record_traces",
    "x_part_payloads",
    "x_turn_chunks",
)

PENDING_SQL = sql_files.query("pending_commits")
PENDING_BYTES_SQL = sql_files.query("pending_bytes")
TOUCHED_TRACES_SQL = sql_files.query("touched_traces")
BOUNDS_SQL = sql_files.query("trace_bounds")
SPANS_SQL = sql_files.query("work_spans")
CONTENT_SQL = sql_files.query("work_content")
EVENTS_SQL = sql_files.query("work_events")
LOGS_SQL = sql_files.query("work_logs")
LOG_CHUNKS_SQL = sql_files.query("work_log_chunks")
LOG_REFERENCES_SQL = sql_files.query("work_log_references")
TOUCHED_THREADS_SQL = sql_files.query("touched_threads")
Pause = Callable[[], None]
Put = Callable[[str, Sequence[Mapping[str, Any]], pa.Schema], None]
FOLDED_TRACES_SQL = "select distinct trace_id from spans where record_id is not null"
POSITION_SQL = "select derived_sequence from x_derive_state"


class DuckDBDerivedStore:
    """A `DerivedStore`. Used by the deriver's thread alone."""

    def __init__(
        self,
        database: Database,
        rules: Sequence[RecordRules] = (),
        *,
        chains: Chains | None = None,
    ) -> None:
        """Derive from a database; `rules` fold the records of one vendor each.

        `chains` are those of the writer, where there is one.
        """
        self._database = database
        self._folding = RecordFolding(database, rules, chains)
        self._joining = SpanJoining(database, rules)
        self.on_moved: Callable[[], None] | None = None  # once spans have other ids
        self._has_moved = True  # perhaps: this may be a start after a kill
        self._spans_read = self._bytes_read = 0  # in the last pass, also of earlier commits
        self._rows_max = ROWS_FIRST
        self._rows_limit = ROWS_MAX  # less after a pass that found no memory
        self._rows_taken = 0  # by the last pass

    def position(self) -> int:
        """See `ports.DerivedStore`."""
        with self._database.cursor() as cursor:
            row = cursor.execute(POSITION_SQL).fetchone()
        return int(row[0]) if row else 0

    def pending(self, *, after: int, upto: int, rows_max: int | None = None) -> Work:
        """See `ports.DerivedStore`."""
        # A trace that grows for hours is read whole at each touch. Taking as much that is new as
        # was read again last time makes that work linear in its length, not quadratic.
        read_again = self._spans_read - self._rows_taken
        rows_max = max(min(self._rows_max, rows_max or ROWS_MAX), read_again)
        if self._rows_limit < ROWS_MAX:
            rows_max = min(rows_max, self._rows_limit)
        bytes_max = max(PASS_BYTES, self._bytes_read)
        upto = min(upto, after + rows_max)  # each commit holds a row
        with self._database.cursor() as cursor:
            commits = cursor.execute(PENDING_SQL, {"after": after, "upto": upto}).fetchall()
            taken = 0
            for sequence, row_count in commits:
                if taken and taken + row_count > rows_max:
                    upto = sequence - 1
                    break
                taken += row_count
            self._rows_taken = taken
            taken_bytes = 0
            sizes = cursor.execute(PENDING_BYTES_SQL, {"after": after, "upto": upto}).fetchall()
            for sequence, size_bytes in sizes:
                if taken_bytes and taken_bytes + size_bytes > bytes_max:
                    upto = sequence - 1
                    break
                taken_bytes += size_bytes
        with self._taken(), self._less_next_time():
            self._folding.fold(upto)
            self._join(after, upto)
        with self._database.cursor() as cursor:
            found = cursor.execute(TOUCHED_TRACES_SQL, {"after": after, "upto": upto}).fetchall()
        return Work(upto, [trace_id for (trace_id,) in found])

    def _join(self, after: int, upto: int) -> None:
        self._has_moved |= self._joining.join(after, upto)
        if self._has_moved and self.on_moved is not None:
            self.on_moved()
            self._has_moved = False

    @contextlib.contextmanager
    def _taken(self) -> Iterator[None]:
        """Raise StoreFailed where the same may be taken later."""
        try:
            yield
        except duckdb.Error as error:
            if is_fatal(error):
                self._database.reopen()
            if is_fatal(error) or isinstance(error, PASSING):
                raise StoreFailed(f"the database refused: {type(error).__name__}") from error
            raise

    def spans(self, work: Work, *, after: int) -> Iterator[list[Span]]:
        """See `ports.DerivedStore`."""
        yield from self._read(work, after)

    def _read(self, work: Work, after: int) -> Iterator[list[Span]]:
        found: Iterator[list[Span]] = iter(())
        self._spans_read = self._bytes_read = 0
        with self._less_next_time(), self._database.cursor() as cursor:
            # One snapshot: a commit between two of the queries must not split a span.
            cursor.begin()
            _register_ids(cursor, work)
            row = cursor.execute(BOUNDS_SQL, {"after": after}).fetchone()
            if row is not None and row[0] is not None:
                work.first_unix_nano, work.is_new = row
                found, self._spans_read, self._bytes_read = _read_spans(cursor, first=row[0])
            cursor.rollback()
        if self._spans_read:
            fitting = PASS_BYTES * self._spans_read // (self._bytes_read + 1)
            self._rows_max = min(max(fitting, 1), ROWS_MAX)
        return found

    def save(
        self,
        work: Work,
        traces: Sequence[TraceRows],
        *,
        pause: Pause = lambda: None,
    ) -> list[ThreadKey]:
        """See `ports.DerivedStore`."""
        first = work.first_unix_nano
        with (
            self._taken(),
            self._less_next_time(),
            self._database.transaction() as cursor,
        ):
            _register_ids(cursor, work)
            cursor.execute(
                "delete from x_traces_to_rederive where trace_id in (select trace_id from work_ids)"
            )
            changed: list[ThreadKey] = []
            # A trace without a span left has no rows, and those that it had go.
            if traces or first is not None:
                changed = replace(cursor, work, traces, first=first, pause=pause)
                note_derived(self._database, cursor, work, changed)
            cursor.execute("update x_derive_state set derived_sequence = ?", [work.upto])
        return changed

    @contextlib.contextmanager
    def _less_next_time(self) -> Iterator[None]:
        """Halve the next pass where this one found no memory, and make room for it.

        How much a pass needs hangs on how many threads it touches and how large those are.
        """
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            self._rows_limit = max(1, self._rows_taken // 2)
            if is_fatal(error):
                raise
            # Rows in the WAL take memory, too, and no commit may come that would checkpoint it.
            self._database.checkpoint(whatever_size=True)
            raise StoreFailed("the database had no memory for it") from error
        self._rows_limit = min(ROWS_MAX, self._rows_limit + self._rows_limit // 16 + 1)

    def unsettled(self) -> bool:
        """See `ports.DerivedStore`."""
        with self._database.cursor() as cursor:
            return (
                cursor.execute("select 1 from x_traces_to_rederive limit 1").fetchone() is not None
            )

    def reset(self) -> None:
        """See `ports.DerivedStore`."""
        with self._database.transaction() as cursor:
            if self._database.outbox is not None:
                self._database.outbox.note_all(cursor)
                folded = cursor.execute(FOLDED_TRACES_SQL).fetchall()
                ids = [trace_id for (trace_id,) in folded]
                self._database.outbox.note_traces(cursor, RAW, ids, 0)
            for table in (*TABLES, "x_traces_to_rederive"):
                cursor.execute(f"delete from {table}")  # noqa: S608  # our own names
            folding.forget(cursor)
            cursor.execute("update x_derive_state set derived_sequence = 0")


def _read_spans(
    cursor: duckdb.DuckDBPyConnection, *, first: int
) -> tuple[Iterator[list[Span]], int, int]:
    """Return the spans of the traces in work_ids, by trace; how many; the bytes of their rows.

    No span of them begins before `first`.
    """
    bounds = {"first": first}
    found_rows = table_of(cursor.execute(SPANS_SQL, bounds))
    long = unjoined_content_of(cursor, CONTENT_SQL, bounds)
    found_logs = rows_of(cursor, LOGS_SQL)
    if found_logs:
        rows.fill_logs(found_logs, log_chunks(cursor, LOG_CHUNKS_SQL, LOG_REFERENCES_SQL))
    logs = rows.log_records(found_logs)
    events = rows.events_by_span(table_of(cursor.execute(EVENTS_SQL, bounds)))
    traces = _with_logs(rows.spans_by_trace(found_rows, long, events), logs)
    return traces, found_rows.num_rows, found_rows.nbytes + long.stored_bytes


def _with_logs(
    traces: Iterator[list[Span]], logs: Mapping[tuple[str, str], list[LogRecord]]
) -> Iterator[list[Span]]:
    for spans in traces:
        for span in spans:
            span.logs = logs.get((span.trace_id, span.span_id), ())
        yield spans


def replace(
    cursor: duckdb.DuckDBPyConnection,
    work: Work,
    traces: Sequence[TraceRows],
    *,
    first: int | None = None,
    last: int | None = None,
    pause: Pause = lambda: None,
) -> list[ThreadKey]:
    """Put rows in the place of all that was derived of the work's traces, in a transaction.

    `first` and `last` bound what is looked at where no rows take the place: when the earliest of
    these traces began and the latest ended. `pause`: as in `ports.DerivedStore.save`. Returns the
    changed threads.
    """
    starts = [trace.first_unix_nano for trace in traces]
    first = min([*starts, first] if first is not None else starts)
    _register_ids(cursor, work)
    _compare(cursor, traces)
    changes = _changes(traces)
    if not work.is_new:
        changes += cursor.execute(TOUCHED_THREADS_SQL, {"first": first, "last": last}).fetchall()
    links = [row for trace in traces for row in trace.links]
    before = [] if work.is_new else tool_links.asked(cursor, first=first, last=last)
    tool_links.note_changes(cursor, before, links)
    record_traces.note_changes(cursor, traces)
    pause()
    if not work.is_new:
        _delete_old(cursor, first, last)
    put = functools.partial(derived_rows.insert, cursor, pause)
    parts = _put_traces(put, traces, links)
    last = max((row["end_time_unix_nano"] for trace in traces for row in trace.slices), default=0)
    threads = TouchedThreads(cursor, changes, parts, pause, last=last)
    _put_turns(put, _turns_without_thread(traces) + threads.turns())
    pause()
    threads.sum_up()
    return threads.keys


def note_derived(
    database: Database,
    cursor: duckdb.DuckDBPyConnection,
    work: Work,
    threads: Sequence[ThreadKey],
) -> None:
    """Note for the lake that what is derived of the work's traces was replaced."""
    if database.outbox is not None:
        database.outbox.note_traces(cursor, DERIVED, work.trace_ids, work.upto)
        database.outbox.note_threads(cursor, threads, work.upto)


def _compare(cursor: duckdb.DuckDBPyConnection, traces: Sequence[TraceRows]) -> None:
    """Let traces take into account what others of their time and threads tell."""
    join(traces, lambda *asked: tool_links.askers(cursor, *asked))
    settle(traces, lambda wanted: record_traces.parts(cursor, wanted))


def _turns_without_thread(traces: Sequence[TraceRows]) -> list[TurnRow]:
    return [
        turn
        for trace in traces
        for turn in turns_of(part for part in trace.parts if part["thread_id"] is None)
    ]


def _changes(traces: Sequence[TraceRows]) -> list[tuple[Any, ...]]:
    """Return which threads the traces belong to now, with the bounds of their share."""
    return [
        (row["project"], row["thread_id"], row["start_time_unix_nano"], row["end_time_unix_nano"])
        for trace in traces
        for row in trace.slices
        if row["thread_id"] is not None
    ]


def _put_traces(put: Put, traces: Sequence[TraceRows], links: Sequence[LinkRow]) -> list[PartRow]:
    """Insert what is derived of each trace alone; return its parts of turns."""
    put("traces", [derived_rows.of_trace(trace.trace) for trace in traces], TRACES)
    put("x_trace_slices", [row for trace in traces for row in trace.slices], SLICES)
    put("calls", [row for trace in traces for row in trace.calls], CALLS)
    put("x_evaluations", [row for trace in traces for row in trace.evaluations], EVALUATIONS)
    put("x_tool_links", tool_links.kept(links), tool_links.LINKS)
    put("x_record_traces", record_traces.rows(traces), record_traces.TRACES)
    parts = [part for trace in traces for part in trace.parts]
    put("x_turn_parts", parts, PARTS)
    put("x_part_payloads", [row for part in parts for row in payloads.chunks(part)], PAYLOADS)
    return parts


def _put_turns(put: Put, turns: list[TurnRow]) -> None:
    messages = [row for turn in turns for row in derived_rows.of_messages(turn)]
    rows = [derived_rows.of_turn(turn) for turn in turns]
    put("x_turn_chunks", turn_chunks.split_out(rows, messages), TURN_CHUNKS)
    put("turns", rows, TURNS)
    put("messages", messages, MESSAGES)


def _register_ids(cursor: duckdb.DuckDBPyConnection, work: Work) -> None:
    register(cursor, "work_ids", pa.table({"trace_id": pa.array(work.trace_ids, pa.string())}))


def _delete_old(cursor: duckdb.DuckDBPyConnection, first: int, last: int | None) -> None:
    """Delete what was derived of the traces in work_ids alone; threads come later."""
    bounds, within = {"first": first}, "start_time_unix_nano >= $first"
    if last is not None:  # else DuckDB reads to the end of each table, however old the traces are
        bounds, within = {**bounds, "last": last}, f"{within} and start_time_unix_nano <= $last"
    for table in (
        "traces",
        "x_trace_slices",
        "calls",
        "x_turn_parts",
        "x_part_payloads",
        "x_tool_links",
        "x_record_traces",
    ):
        cursor.execute(
            f"delete from {table} where {within}"  # noqa: S608  # our names
            " and trace_id in (select trace_id from work_ids)",
            bounds,
        )
    cursor.execute(
        "delete from x_evaluations where evidence_trace_id in (select trace_id from work_ids)"
    )
    for table in OF_TURNS:
        cursor.execute(
            f"delete from {table} where {within}"  # noqa: S608  # our names
            " and thread_id is null and trace_id in (select trace_id from work_ids)",
            bounds,
        )
