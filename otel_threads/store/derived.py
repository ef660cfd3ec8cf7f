"""Keeps what the deriver makes: `ports.DerivedStore` over the database.

Rows are replaced by delete and insert within time bounds: recomputing is idempotent, and the
bounds let zone maps find old rows without an index.
"""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads.derive.joining import join
from otel_threads.derive.merge import order
from otel_threads.errors import StoreFailed
from otel_threads.model import Span, TraceRows
from otel_threads.ports import Merge, ThreadKey, Work
from otel_threads.store import derived_rows, payloads, rows, sql, tool_links, turn_pieces
from otel_threads.store.arrow import register, table_of
from otel_threads.store.database import Database, is_fatal
from otel_threads.store.derived_columns import (
    CALLS,
    EVALUATIONS,
    MESSAGES,
    PARTS,
    PAYLOADS,
    SLICES,
    TRACES,
    TURN_PIECES,
    TURNS,
    WORDS,
)

# New rows of one pass, unless a single commit holds more: as many as fill PASS_BYTES. Each pass has
# a price of its own, so many small spans are better taken together; large ones cost memory.
ROWS_FIRST, ROWS_MAX, PASS_BYTES = 4000, 24_000, 40 << 20
# The same rows may fit later. A commit that finds the disk full is a TransactionException.
PASSING = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.TransactionException)
TABLES = (
    "traces", "trace_slices", "calls", "turn_parts", "turns", "messages", "thread_facts",
    "evaluations", "tool_links", "part_payloads", "turn_pieces",
)  # fmt: skip
OF_TURNS = ("turns", "messages", "turn_pieces")

PENDING_SQL = sql.query("pending_commits")
PENDING_BYTES_SQL = sql.query("pending_bytes")
TOUCHED_TRACES_SQL = sql.query("touched_traces")
BOUNDS_SQL = sql.query("trace_bounds")
SPANS_SQL = sql.query("work_spans")
CONTENT_SQL = sql.query("work_content")
EVENTS_SQL = sql.query("work_events")
LOGS_SQL = sql.query("work_logs")
LOG_PIECES_SQL = sql.query("work_log_pieces")
TOUCHED_THREADS_SQL = sql.query("touched_threads")
BEFORE_SQL = sql.query("threads_before")
PARTS_SQL = sql.query("thread_parts")
PAYLOADS_SQL = sql.query("part_payloads")
THREAD_WORDS_SQL = sql.query("thread_words")
TURN_WORDS_SQL = sql.query("turn_words")
INSERT_THREADS_SQL = sql.query("insert_threads")
Row = dict[str, Any]
Pause = Callable[[], None]
PartKey = tuple[str, str, int]  # project, trace_id, part_index
POSITION_SQL = "select derived_sequence from derive_state"


class DuckDBDerivedStore:
    """A `DerivedStore`. Used by the deriver's thread alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
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
            found = cursor.execute(TOUCHED_TRACES_SQL, {"after": after, "upto": upto}).fetchall()
        return Work(upto, [trace_id for (trace_id,) in found])

    def spans(self, work: Work, *, after: int) -> Iterator[list[Span]]:
        """See `ports.DerivedStore`."""
        found = self._read(work, after)
        for trace_id in [*found]:  # rows take the place of spans that were read: less at once
            yield found.pop(trace_id)

    def _read(self, work: Work, after: int) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        self._bytes_read = 0
        with self._less_next_time(), self._database.cursor() as cursor:
            # One snapshot: a commit between two of the queries must not split a span.
            cursor.begin()
            _register_ids(cursor, work)
            row = cursor.execute(BOUNDS_SQL, {"after": after}).fetchone()
            if row is not None and row[0] is not None:
                bounds, work.is_new = {"first": row[0]}, row[1]
                found_rows = table_of(cursor.execute(SPANS_SQL, bounds))
                content = table_of(cursor.execute(CONTENT_SQL, bounds))
                found_logs = _rows(cursor, LOGS_SQL)
                if found_logs:
                    rows.fill_logs(found_logs, _rows(cursor, LOG_PIECES_SQL))
                logs = rows.log_records(found_logs)
                self._bytes_read = found_rows.nbytes + content.nbytes
                long = rows.content_by_span(content)
                events = rows.events_by_span(table_of(cursor.execute(EVENTS_SQL, bounds)), long)
                for span in rows.spans(found_rows, long, events):
                    span.logs = logs.get((span.trace_id, span.span_id), ())
                    found.setdefault(span.trace_id, []).append(span)
            cursor.rollback()
        self._spans_read = sum(map(len, found.values()))
        if self._spans_read:
            fitting = PASS_BYTES * self._spans_read // (self._bytes_read + 1)
            self._rows_max = min(max(fitting, 1), ROWS_MAX)
        return found

    def save(
        self,
        work: Work,
        traces: Sequence[TraceRows],
        merge: Merge,
        *,
        pause: Pause = lambda: None,
    ) -> list[ThreadKey]:
        """See `ports.DerivedStore`."""
        try:
            with self._less_next_time(), self._database.transaction() as cursor:
                _register_ids(cursor, work)
                cursor.execute(
                    "delete from traces_again where trace_id in (select trace_id from work_ids)"
                )
                changed = replace(cursor, work, traces, merge, pause=pause) if traces else []
                cursor.execute("update derive_state set derived_sequence = ?", [work.upto])
        except duckdb.Error as error:
            if is_fatal(error):
                self._database.reopen()
            if is_fatal(error) or isinstance(error, PASSING):
                raise StoreFailed(f"the database refused: {type(error).__name__}") from error
            raise
        return changed

    @contextlib.contextmanager
    def _less_next_time(self) -> Iterator[None]:
        """Halve the next pass where this one found no memory: the same would find none again.

        How much a pass needs hangs on how many threads it touches and how large those are.
        """
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            self._rows_limit = max(1, self._rows_taken // 2)
            if is_fatal(error):
                raise
            raise StoreFailed("the database had no memory for it") from error
        self._rows_limit = min(ROWS_MAX, self._rows_limit + self._rows_limit // 16 + 1)

    def unsettled(self) -> bool:
        """See `ports.DerivedStore`."""
        with self._database.cursor() as cursor:
            return cursor.execute("select 1 from traces_again limit 1").fetchone() is not None

    def reset(self) -> None:
        """See `ports.DerivedStore`."""
        with self._database.transaction() as cursor:
            for table in (*TABLES, "traces_again"):
                cursor.execute(f"delete from {table}")  # noqa: S608  # our own names
            cursor.execute("update derive_state set derived_sequence = 0")


def replace(
    cursor: duckdb.DuckDBPyConnection,
    work: Work,
    traces: Sequence[TraceRows],
    merge: Merge,
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
    join(traces, lambda *asked: tool_links.askers(cursor, *asked))
    affected: dict[ThreadKey, int] = {}
    if not work.is_new:
        found = cursor.execute(TOUCHED_THREADS_SQL, {"first": first, "last": last}).fetchall()
        affected = {(project, thread_id): earliest for project, thread_id, earliest in found}
    for trace in traces:
        for row in trace.slices:
            if row["thread_id"] is not None:
                key = (row["project"], row["thread_id"])
                affected[key] = min(
                    affected.get(key, row["start_time_unix_nano"]), row["start_time_unix_nano"]
                )
    links = [row for trace in traces for row in trace.links]
    before = [] if work.is_new else tool_links.asked(cursor, first=first, last=last)
    tool_links.note_changes(cursor, before, links)
    pause()
    if not work.is_new:
        _delete_old(cursor, first, last)
    put = functools.partial(derived_rows.insert, cursor, pause)
    put("traces", [derived_rows.of_trace(trace.trace) for trace in traces], TRACES)
    put("trace_slices", [row for trace in traces for row in trace.slices], SLICES)
    put("calls", [row for trace in traces for row in trace.calls], CALLS)
    put("evaluations", [row for trace in traces for row in trace.evaluations], EVALUATIONS)
    put("tool_links", tool_links.kept(links), tool_links.LINKS)
    parts = [part for trace in traces for part in trace.parts]
    put("turn_parts", parts, PARTS)
    put("part_payloads", [row for part in parts for row in payloads.pieces(part)], PAYLOADS)
    loose = [
        turn
        for trace in traces
        for i, turn in enumerate(merge([p for p in trace.parts if p["thread_id"] is None]))
        if turn.update(turn_index=i) is None
    ]
    last = max((row["end_time_unix_nano"] for trace in traces for row in trace.slices), default=0)
    again = _Threads(cursor, affected, parts, pause, last=last)
    _put_turns(put, loose + again.turns(merge))
    pause()
    if affected:
        again.replace_rows()
    return list(affected)


def _put_turns(put: Callable[[str, list[Row], pa.Schema], None], turns: list[Row]) -> None:
    messages = [row for turn in turns for row in derived_rows.of_messages(turn)]
    rows = [derived_rows.of_turn(turn) for turn in turns]
    put("turn_pieces", turn_pieces.apart(rows, messages), TURN_PIECES)
    put("turns", rows, TURNS)
    put("messages", messages, MESSAGES)


def _register_ids(cursor: duckdb.DuckDBPyConnection, work: Work) -> None:
    register(cursor, "work_ids", pa.table({"trace_id": pa.array(work.trace_ids, pa.string())}))


def _delete_old(cursor: duckdb.DuckDBPyConnection, first: int, last: int | None) -> None:
    """Delete what was derived of the traces in work_ids alone; threads come later."""
    bounds, within = {"first": first}, "start_time_unix_nano >= $first"
    if last is not None:  # else DuckDB reads to the end of each table, however old the traces are
        bounds, within = {**bounds, "last": last}, f"{within} and start_time_unix_nano <= $last"
    for table in ("traces", "trace_slices", "calls", "turn_parts", "part_payloads", "tool_links"):
        cursor.execute(
            f"delete from {table} where {within}"  # noqa: S608  # our names
            " and trace_id in (select trace_id from work_ids)",
            bounds,
        )
    cursor.execute(
        "delete from evaluations where evidence_trace_id in (select trace_id from work_ids)"
    )
    for table in OF_TURNS:
        cursor.execute(
            f"delete from {table} where {within}"  # noqa: S608  # our names
            " and thread_id is null and trace_id in (select trace_id from work_ids)",
            bounds,
        )


class _Threads:
    """Makes the turns of touched threads again, from where the change begins; used once.

    Nearly always that is the end of the thread, and nothing that is stored has to be read.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        affected: Mapping[ThreadKey, int],
        parts: Sequence[Row],
        pause: Pause,
        *,
        last: int,
    ) -> None:
        """`last`: when what is new ends."""
        self._cursor = cursor
        self._pause = pause
        self._affected = affected
        self._parts = {_part_key(part): part for part in parts}
        self._words: list[Row] = []
        self._are_new = False  # none of them was here before
        # When the first of them began and the last ended: nothing of them is outside of it.
        self._within = {"lowest": min(affected.values(), default=0), "highest": last}

    def turns(self, merge: Merge) -> list[Row]:
        """Delete the turns from the change on; return them made again, with their index."""
        if not self._affected:
            return []
        cursor = self._cursor
        register(cursor, "affected", _keyed(self._affected, "first"))
        words = {_key(row): row for row in _rows(cursor, THREAD_WORDS_SQL)}
        self._are_new = not words
        for row in words.values():
            self._within["lowest"] = min(self._within["lowest"], row["began"])
            self._within["highest"] = max(self._within["highest"], row["ended"])
        # Of threads that are all new nothing is stored that would have to be found or deleted.
        before = [] if self._are_new else _rows(cursor, BEFORE_SQL, self._within)
        cuts = dict(self._affected)
        parts = _by_thread(self._parts.values()) if self._are_new else self._narrow(cuts)
        kept = dict.fromkeys(cuts, 0) | {_key(row): row["kept"] for row in before}
        earlier = {}
        for row in before:
            key = _key(row)
            if row["before"] is None:
                continue
            continued = bool(parts.get(key)) and min(parts[key], key=order)["continues"]
            # The change may continue the turn before it, or fall between the traces of that turn,
            # or show what was asked in turns that failed.
            if continued or row["before_traces"] > 1:
                earlier[key] = row["before"]
            if row["failed_from"] is not None:
                earlier[key] = row["failed_from"]
        if earlier:
            cuts |= earlier
            parts |= self._narrow(earlier)
            kept |= self._kept(earlier)
        if not self._are_new:
            self._delete_turns(cuts)
        whole = self._payloads([part for some in parts.values() for part in some])
        found = []
        for key in cuts:
            self._pause()
            turns = merge(whole[_part_key(part)] for part in parts.get(key, ()))
            for i, turn in enumerate(turns):
                turn["turn_index"] = kept[key] + i
            found += turns
            self._words.append(self._first_and_last(key, turns, kept[key], words.get(key)))
        return found

    def replace_rows(self) -> None:
        """Sum the touched threads up again, once their turns are in place."""
        if not self._are_new:
            self._cursor.execute(
                "delete from thread_facts where (project, thread_id) in"
                " (select (project, thread_id) from affected)"
            )
        register(self._cursor, "words", pa.Table.from_pylist(self._words, schema=WORDS))
        self._cursor.execute(INSERT_THREADS_SQL, self._within)

    def _delete_turns(self, cuts: Mapping[ThreadKey, int]) -> None:
        register(self._cursor, "cuts", _keyed(cuts, "cut"))
        for table in OF_TURNS:
            self._pause()
            self._cursor.execute(
                f"delete from {table} using cuts"  # noqa: S608  # our own names
                f" where {table}.thread_id = cuts.thread_id and {table}.project = cuts.project"
                f" and {table}.start_time_unix_nano >= cuts.cut"
                # The same of all of them, for zone maps.
                f" and {table}.start_time_unix_nano between $lowest and $highest",
                {**self._within, "lowest": min(cuts.values())},
            )

    def _narrow(self, cuts: Mapping[ThreadKey, int]) -> dict[ThreadKey, list[Row]]:
        register(self._cursor, "cuts", _keyed(cuts, "cut"))
        return _by_thread(_rows(self._cursor, PARTS_SQL, {"lowest": min(cuts.values())}))

    def _kept(self, cuts: Mapping[ThreadKey, int]) -> dict[ThreadKey, int]:
        register(self._cursor, "affected", _keyed(cuts, "first"))
        kept = {_key(row): row["kept"] for row in _rows(self._cursor, BEFORE_SQL, self._within)}
        register(self._cursor, "affected", _keyed(self._affected, "first"))
        return kept

    def _payloads(self, parts: Sequence[Row]) -> dict[PartKey, Row]:
        missing = [part for part in parts if _part_key(part) not in self._parts]
        if not missing:
            return self._parts
        found = dict(self._parts)
        starts = [part["start_time_unix_nano"] for part in missing]
        register(
            self._cursor,
            "needed",
            pa.table(
                {
                    "project": pa.array([part["project"] for part in missing], pa.string()),
                    "trace_id": pa.array([part["trace_id"] for part in missing], pa.string()),
                }
            ),
        )
        pieces: dict[PartKey, list[tuple[int, str]]] = {}
        for row in _rows(self._cursor, PAYLOADS_SQL, {"first": min(starts), "last": max(starts)}):
            pieces.setdefault(_part_key(row), []).append((row["piece_index"], row["payload"]))
        for key, some in pieces.items():
            if key not in found:
                found[key] = payloads.unpacked("".join(piece for _, piece in sorted(some)))
        return found

    def _first_and_last(
        self, key: ThreadKey, turns: Sequence[Row], kept: int, known: Row | None
    ) -> Row:
        first = known["first_message"] if known and kept else None
        last = None
        if turns:
            first = turns[0]["user"] if not kept else first
            last = turns[-1]["assistant"] or turns[-1]["user"]
        elif kept:
            named = {"project": key[0], "thread_id": key[1], "turn_index": kept - 1}
            row = self._cursor.execute(TURN_WORDS_SQL, named).fetchone()
            last = row[0] if row else None
        return {
            "project": key[0],
            "thread_id": key[1],
            "first_message": derived_rows.words(first),
            "last_message": derived_rows.words(last),
        }


def _by_thread(parts: Iterable[Row]) -> dict[ThreadKey, list[Row]]:
    found: dict[ThreadKey, list[Row]] = {}
    for part in parts:
        found.setdefault(_key(part), []).append(part)
    return found


def _key(row: Row) -> ThreadKey:
    return row["project"], row["thread_id"]


def _part_key(row: Row) -> PartKey:
    return row["project"], row["trace_id"], row["part_index"]


def _keyed(values: Mapping[ThreadKey, int], name: str) -> pa.Table:
    return pa.table(
        {
            "project": pa.array([project for project, _ in values], pa.string()),
            "thread_id": pa.array([thread_id for _, thread_id in values], pa.string()),
            name: pa.array(list(values.values()), pa.int64()),
        }
    )


def _rows(cursor: duckdb.DuckDBPyConnection, text: str, parameters: Row | None = None) -> list[Row]:
    found: list[Row] = table_of(cursor.execute(text, parameters or {})).to_pylist()
    return found
