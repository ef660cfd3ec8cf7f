"""Folds records of SDKs into rows of spans: what all records of one id add up to is one row.

From there on they are spans like any other: derived, read, exported, deleted. A row is deleted and
inserted anew whenever a record of its id came, with the number of the newest record's commit.
"""

import contextlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from otel_threads.batches import batches
from otel_threads.core.model import Request, Signal
from otel_threads.core.record import FoldedRecord, RecordRules, SpanHead
from otel_threads.database import sql_files
from otel_threads.database.arrow import append, register
from otel_threads.database.database import Database
from otel_threads.decode import columns
from otel_threads.decode.tables import CHILDREN
from otel_threads.derive.record_fold import fold, group, spans_request
from otel_threads.store.outbox import RAW
from otel_threads.store.records import record_rows
from otel_threads.store.records.record_rows import References
from otel_threads.store.spans.chains import SHARED_BYTES_MIN, Chains, Reference, referring
from otel_threads.store.spans.content_deletion import deleting, keep_shared

TOUCHED_SQL = sql_files.query("touched_records")
FOLDED_SPANS_SQL = sql_files.query("folded_spans")
POSITION_SQL = "select folded_sequence from x_derive_state"
SLICE_BYTES = 16 << 20  # of bodies that are folded together, or one id's
SLICE_IDS = 5000
TABLES = ("spans", *CHILDREN)
Folded = tuple[FoldedRecord, SpanHead]


class RecordFolding:
    """Folds what one database holds. For the deriver's thread alone."""

    def __init__(
        self, database: Database, rules: Sequence[RecordRules], chains: Chains | None
    ) -> None:
        """`chains` are those of the writer, where there is one."""
        self._database = database
        self._chains = chains or Chains()
        self._rules: Mapping[str, RecordRules] = {one.vendor: one for one in rules}
        # Slices may have been folded before a kill: the file is asked for rows of every id once.
        self._was_cut_short = True
        self._without = (-1, -1)  # the stored position, and a later commit without records up to it
        with database.cursor() as cursor:
            self._columns = {
                name: [column for column, *_ in cursor.execute(f"describe {name}").fetchall()]
                for name in TABLES
            }

    def fold(self, upto: int) -> None:
        """Fold all records of commits up to one that are not folded yet.

        In transactions of its own: after a crash within it the same is folded again.
        """
        with self._database.cursor() as cursor:
            row = cursor.execute(POSITION_SQL).fetchone()
            after = stored = int(row[0]) if row and row[0] is not None else 0
            if self._without[0] == stored:
                after = max(after, self._without[1])
            if upto <= after:
                return
            bounds = {"after": after, "upto": upto}
            touched = cursor.execute(TOUCHED_SQL, bounds).fetchall()
        if not touched:  # who sends no records pays for no transaction
            self._without = (stored, upto)
            return
        was_cut_short, self._was_cut_short = self._was_cut_short, True
        known = {record_id for record_id, _, is_known in touched if is_known or was_cut_short}
        for record_ids in _slices(touched):
            with self._database.transaction() as cursor:
                dead = self._fold_slice(cursor, record_ids, known.intersection(record_ids), upto)
            if dead:
                self._delete_dead(dead, upto)
        with self._database.transaction() as cursor:
            cursor.execute("update x_derive_state set folded_sequence = ?", [upto])
        self._was_cut_short = False

    def _fold_slice(
        self,
        cursor: duckdb.DuckDBPyConnection,
        record_ids: Sequence[str],
        known: set[str],
        upto: int,
    ) -> list[str]:
        """Fold records of some ids; return those that were deleted."""
        folded: list[Folded] = []
        dead: list[str] = []
        stored, references = record_rows.read(cursor, record_ids, upto=upto)
        for (vendor, _, record_id), rows in group(stored).items():
            if (rules := self._rules.get(vendor)) is None:
                continue
            one = fold(rows, rules)
            if any(row.record.op == "delete" for row in rows):
                dead.append(record_id)
            head = rules.head(one) if one else None
            if one and head:
                folded.append((one, head))
        del stored
        before = _delete(cursor, sorted(known)) if known else set()
        moved = before.difference(head.trace_id for _, head in folded)
        if moved:
            _rederive(cursor, moved)
        if before and self._database.outbox is not None:
            self._database.outbox.note_traces(cursor, RAW, sorted(before), upto)
        if folded:
            self._insert(cursor, folded, references)
        return dead

    def _delete_dead(self, record_ids: Sequence[str], upto: int) -> None:
        with deleting(self._database, self._chains) as cursor:
            released = record_rows.delete_dead(cursor, record_ids, self._database.outbox, upto=upto)
            keep_shared(cursor, "false", released=released)

    def _insert(
        self, cursor: duckdb.DuckDBPyConnection, folded: list[Folded], references: References
    ) -> None:
        tables = _tables(folded, references)
        for name in TABLES:
            if tables[name].num_rows:
                append(cursor, name, tables[name].select(self._columns[name]))


def forget(cursor: duckdb.DuckDBPyConnection) -> None:
    """Delete every folded row, so that all is folded again; in the caller's transaction."""
    row = cursor.execute("select count(*) from x_sdk_records").fetchone()
    if row and row[0]:
        for name in CHILDREN:
            cursor.execute(
                f"delete from {name} where (project, trace_id, span_id) in"  # noqa: S608  # our own names
                " (select (project, trace_id, span_id) from spans where record_id is not null)"
            )
        cursor.execute("delete from spans where record_id is not null")
    cursor.execute("update x_derive_state set folded_sequence = 0")


def _slices(touched: Sequence[tuple[str, int, bool]]) -> Iterator[list[str]]:
    """Yield ids whose bodies are together within SLICE_BYTES, or one id."""
    for some in batches(touched, lambda one: one[1], weight_max=SLICE_BYTES, items_max=SLICE_IDS):
        yield [record_id for record_id, _, _ in some]


def _register_ids(cursor: duckdb.DuckDBPyConnection, record_ids: Sequence[str]) -> None:
    register(cursor, "record_ids", pa.table({"record_id": pa.array(record_ids, pa.string())}))


def _delete(cursor: duckdb.DuckDBPyConnection, record_ids: Sequence[str]) -> set[str]:
    """Delete the rows that some ids were folded into; return the traces that these were of."""
    _register_ids(cursor, record_ids)
    old = cursor.execute(FOLDED_SPANS_SQL).fetchall()
    if not old:
        return set()
    names = ("project", "trace_id", "span_id")
    register(
        cursor,
        "old_spans",
        pa.table({name: pa.array([row[i] for row in old]) for i, name in enumerate(names)}),
    )
    starts = [row[3] for row in old]
    bounds = {"first": min(starts), "last": max(starts)}
    for name in CHILDREN:
        cursor.execute(
            f"delete from {name} where start_time between make_timestamptz($first // 1000)"  # noqa: S608  # our own names
            " and make_timestamptz($last // 1000)"
            " and (project, trace_id, span_id) in"
            " (select (project, trace_id, span_id) from old_spans)",
            bounds,
        )
    cursor.execute(
        "delete from spans where start_time_unix_nano between $first and $last"
        " and record_id in (select record_id from record_ids)",
        bounds,
    )
    return {row[1] for row in old}


def _rederive(cursor: duckdb.DuckDBPyConnection, trace_ids: set[str]) -> None:
    """Note traces that a record went away from: no new row of theirs says so."""
    register(cursor, "moved", pa.table({"trace_id": pa.array(sorted(trace_ids))}))
    cursor.execute(
        "insert into x_traces_to_rederive select trace_id from moved"
        " where trace_id not in (select trace_id from x_traces_to_rederive)"
    )


def _tables(folded: list[Folded], references: References) -> dict[str, pa.Table]:
    """Return the rows of spans and what hangs on them, with all of their columns.

    A long value that a record has in a chain refers to it: so it is stored once.
    """
    payload = spans_request(folded).SerializeToString()
    request = Request(signal=Signal.TRACES, payload=payload)
    tables = columns.decode([request], default_project="").tables
    spans = tables["spans"]
    rows = _in_order(spans, folded)
    of_spans = _of_spans(spans, rows)
    found = {"spans": _with(spans, of_spans)}
    for name in CHILDREN:
        at = tables[name].column("span_row").combine_chunks()
        own = {name: of_spans[name].take(at) for name in ("project", "ingest_seq")}
        found[name] = _with(tables[name], own)
    record_ids = of_spans["record_id"].to_pylist()
    content = found["x_content_chunks"]
    known = _known(content, record_ids, references) if references else {}
    return found | {"x_content_chunks": referring(content, known)}


def _of_spans(spans: pa.Table, rows: Sequence[Folded]) -> dict[str, Any]:
    """Return the columns of rows of spans that no request of OTLP tells."""
    running = pa.array([head.end_unix_nano is None for _, head in rows])
    return {
        "project": pa.array([head.project for _, head in rows]),
        "received_at": _timestamps([one.updated_unix_nano for one, _ in rows]),
        "duration_ms": pc.if_else(running, None, spans.column("duration_ms")),
        "ingest_seq": pa.array([one.sequence for one, _ in rows], pa.int64()),
        "record_id": pa.array([one.record_id for one, _ in rows]),
    }


def _known(
    content: pa.Table, record_ids: Sequence[str], references: References
) -> dict[int, Reference]:
    """Return which rows have a text that their record has in a chain."""
    lengths = pc.fill_null(pc.binary_length(content.column("value")), 0).to_pylist()
    found: dict[int, Reference] = {}
    for row, length in enumerate(lengths):
        if length >= SHARED_BYTES_MIN:
            record_id = record_ids[content.column("span_row")[row].as_py()]
            one = references.get((record_id, content.column("value")[row].as_py()))
            if one is not None:
                found[row] = one
    return found


def _timestamps(unix_nano: Sequence[int]) -> pa.Array:
    micros = pa.array([nanos // 1000 for nanos in unix_nano], pa.int64())
    return micros.cast(pa.timestamp("us", tz="UTC"))


def _in_order(spans: pa.Table, folded: list[Folded]) -> list[Folded]:
    """Return what the rows were folded from, row by row."""
    waiting: dict[tuple[str, str], deque[Folded]] = {}
    for one in folded:
        waiting.setdefault((one[1].trace_id, one[1].span_id), deque()).append(one)
    ids = zip(*(spans.column(name).to_pylist() for name in ("trace_id", "span_id")), strict=True)
    return [waiting[key].popleft() for key in ids]


def _with(table: pa.Table, columns_of: Mapping[str, Any]) -> pa.Table:
    for name, column in columns_of.items():
        with contextlib.suppress(KeyError):
            table = table.drop_columns([name])
        table = table.append_column(name, column)
    return table
