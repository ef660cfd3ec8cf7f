"""Reads from a node's file what is to be shipped next, as one snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads.core.ports import ThreadKey
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, table_of, unregister
from otel_threads.database.database import Database
from otel_threads.lake import layout
from otel_threads.lake.layout import Shipped
from otel_threads.store.outbox import DELETED, DERIVED, RAW, RECORD, THREAD
from otel_threads.store.records import bodies
from otel_threads.store.spans.chains import SEQUENCE_SHIFT

COMMITS_MAX = 2048  # that are looked at for one batch
ROWS_MAX = 50_000  # spans, log records and the like of one batch, unless one commit has more
BYTES_MAX = 64 << 20  # of their long values, likewise
UNITS_MAX = 4000  # traces and threads whose derived rows are in one batch
PENDING_SQL = sql_files.query("pending_commits")
PENDING_BYTES_SQL = sql_files.query("pending_bytes")
ENTRIES_SQL = sql_files.query("outbox_entries")
TRACE_TIMES_SQL = sql_files.query("times_of_traces")
THREAD_TIMES_SQL = sql_files.query("times_of_threads")
# Values of chains are shipped whole: what they share with others may be deleted with these, and
# neighbours compress away what they have in common. In no file, because a condition is put in.
CHAINS_SQL = f"""
with v as (
    select
        max(ingest_seq) as ingest_seq, project, trace_id, span_id, start_time, event_index, key,
        chain_id, max(chain_row) as last_row
    from x_content_chunks t where chain_id is not null and span_id <> '' and {{within}}
    group by project, trace_id, span_id, start_time, event_index, key, chain_id
), parts as (
    select
        v.*, c.chain_row, c.value as own,
        coalesce(
            min(c.chain_chars) over (
                partition by v.chain_id, v.last_row, v.trace_id, v.span_id, v.event_index, v.key, v.project
                order by c.chain_row rows between 1 following and unbounded following
            ) - c.chain_chars,
            length(c.value)
        ) as chars
    from v join x_content_chunks c on c.chain_id = v.chain_id and c.chain_row <= v.last_row
    where c.chain_id between $low and $high and c.ingest_seq >= $low // {1 << SEQUENCE_SHIFT}
)
select
    ingest_seq, project, trace_id, span_id, start_time, event_index, key,
    coalesce(string_agg(substring(own, 1, chars), '' order by chain_row) filter (chars > 0), '') as value
from parts group by ingest_seq, project, trace_id, span_id, start_time, event_index, key, chain_id
"""  # noqa: E501, S608  # as the view span_content says it; our own names

# What log records share with others is shipped whole likewise.
LOG_CHUNKS = "(select * rename (piece_index as chunk_index) from log_pieces)"


@dataclass(frozen=True, slots=True)
class Batch:
    """What is shipped as one. Rows have a column `lake_unit` beside those of their table.

    `dead`: units whose rows of earlier batches no longer count, by kind. `entries`: numbers of the
    outbox that this settles. `deleted`: threads that go wherever they are. `is_last`: nothing is
    left but what came meanwhile.
    """

    after: int
    upto: int
    rows: dict[str, pa.Table]
    dead: list[tuple[str, str]]
    entries: list[int]
    is_last: bool
    deleted: Sequence[ThreadKey] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ship."""
        return self.upto == self.after and not self.entries


@dataclass(slots=True)
class _Wanted:
    """Units of the outbox's entries."""

    entries: list[int] = field(default_factory=list)
    raw: set[str] = field(default_factory=set)
    records: set[str] = field(default_factory=set)
    traces: set[str] = field(default_factory=set)
    threads: set[tuple[str, str]] = field(default_factory=set)
    deleted: set[tuple[str, str]] = field(default_factory=set)


def progress(database: Database) -> tuple[int, int]:
    """Return up to which commit is derived, and how many entries the outbox has."""
    with database.cursor() as cursor:
        row = cursor.execute(
            "select (select derived_sequence from x_derive_state), (select count(*) from x_outbox)"
        ).fetchone()
    return (int(row[0] or 0), int(row[1])) if row else (0, 0)


def read(database: Database, after: int) -> Batch:
    """Return the next batch after a commit that was shipped.

    While all is derived again it is empty: rows that records were folded into are missing.
    """
    with database.cursor() as cursor:
        cursor.begin()
        try:
            row = cursor.execute("select derived_sequence from x_derive_state").fetchone()
            derived = int(row[0]) if row and row[0] is not None else 0
            if derived < after:
                return Batch(after, after, {}, [], [], is_last=True)
            upto = _upto(cursor, after, derived)
            wanted = _wanted(cursor, upto)
            rows, dead = _raw(cursor, after, upto, wanted.raw)
            records, ended_records = _records(cursor, after, upto, wanted.records)
            derived_rows, ended = _derived(cursor, wanted)
            is_last = upto == derived and len(wanted.entries) < UNITS_MAX
            return Batch(
                after,
                upto,
                rows | records | derived_rows,
                dead + ended_records + ended,
                wanted.entries,
                is_last,
                sorted(wanted.deleted),
            )
        finally:
            cursor.rollback()


def _upto(cursor: duckdb.DuckDBPyConnection, after: int, derived: int) -> int:
    """Return up to which commit one batch goes, at least one if there is one."""
    bounds = {"after": after, "upto": min(derived, after + COMMITS_MAX)}
    for query, most in ((PENDING_SQL, ROWS_MAX), (PENDING_BYTES_SQL, BYTES_MAX)):
        taken = 0
        for sequence, size in cursor.execute(query, bounds).fetchall():
            if taken and taken + size > most:
                bounds["upto"] = sequence - 1
                break
            taken += size
    return bounds["upto"]


def _wanted(cursor: duckdb.DuckDBPyConnection, upto: int) -> _Wanted:
    wanted = _Wanted()
    named = {"upto": upto, "most": UNITS_MAX}
    for entry, kind, project, one in cursor.execute(ENTRIES_SQL, named).fetchall():
        wanted.entries.append(entry)
        if kind == RAW:
            wanted.raw.add(one)
        elif kind == DERIVED:
            wanted.traces.add(one)
        elif kind == THREAD:
            wanted.threads.add((project, one))
        elif kind == RECORD:
            wanted.records.add(one)
        elif kind == DELETED:
            wanted.deleted.add((project, one))
    return wanted


def _raw(
    cursor: duckdb.DuckDBPyConnection, after: int, upto: int, again: set[str]
) -> tuple[dict[str, pa.Table], list[tuple[str, str]]]:
    """Return rows of the commits after one, and all rows of traces that are shipped again."""
    register(cursor, "lake_again", _ids(again))
    bounds = {"after": after, "upto": upto}
    within = "t.ingest_seq > $after and t.ingest_seq <= $upto"
    if again:
        mine = "t.trace_id in (select trace_id from lake_again)"
        within = (
            f"((({within}) and not coalesce({mine}, false)) or ({mine} and t.ingest_seq <= $upto))"
        )
    found = {}
    for table in layout.RAW_TABLES:
        condition, source = within, table.name
        if table.name == "x_content_chunks":
            condition = f"t.chain_id is null and {within}"
        elif table.name == "x_log_chunks":
            source = LOG_CHUNKS
        found[table.name] = _rows(cursor, table, condition, bounds, source=source)
    whole = _chain_values(cursor, within, bounds, found["x_content_chunks"].schema)
    if whole is not None:
        found["x_content_chunks"] = pa.concat_tables([found["x_content_chunks"], whole])
    unregister(cursor, "lake_again")
    return {name: rows for name, rows in found.items() if rows.num_rows}, [
        (RAW, trace_id) for trace_id in sorted(again)
    ]


def _records(
    cursor: duckdb.DuckDBPyConnection, after: int, upto: int, again: set[str]
) -> tuple[dict[str, pa.Table], list[tuple[str, str]]]:
    """Return records of the commits after one, and what is left of those that were deleted.

    Their bodies are whole.
    """
    (table,) = layout.RECORD_TABLES
    register(cursor, "lake_again", pa.table({"id": pa.array(sorted(again), pa.string())}))
    within = (
        "t.ingest_seq <= $upto and (t.ingest_seq > $after"
        " or t.record_id in (select id::uuid from lake_again))"
    )
    rows = _rows(cursor, table, within, {"after": after, "upto": upto})
    unregister(cursor, "lake_again")
    ended = [(layout.RECORDS, one) for one in sorted(again)]
    return {table.name: _whole(cursor, rows, upto)} if rows.num_rows else {}, ended


def _whole(cursor: duckdb.DuckDBPyConnection, rows: pa.Table, upto: int) -> pa.Table:
    """Return records with their long bodies, which stand apart in the file."""
    known = rows.column("body").to_pylist()
    ids = rows.column("lake_unit").to_pylist()
    apart = sorted({ids[i] for i, body in enumerate(known) if body is None})
    if not apart:
        return rows
    register(cursor, "record_ids", pa.table({"record_id": pa.array(apart, pa.string())}))
    texts = bodies.read(cursor, upto).texts
    unregister(cursor, "record_ids")
    places = zip(*(rows.column(name).to_pylist() for name in ("ingest_seq", "place")), strict=True)
    found = [
        texts.get(place, "") if body is None else body
        for body, place in zip(known, places, strict=True)
    ]
    at = rows.column_names.index("body")
    return rows.set_column(at, "body", pa.array(found, pa.string()))


def _chain_values(
    cursor: duckdb.DuckDBPyConnection, within: str, bounds: dict[str, int], schema: pa.Schema
) -> pa.Table | None:
    """Return whole values of chains as rows of x_content_chunks; None where there are none."""
    row = cursor.execute(
        "select min(chain_id), max(chain_id) from x_content_chunks t"  # noqa: S608  # our own
        f" where chain_id is not null and {within}",
        bounds,
    ).fetchone()
    if row is None or row[0] is None:
        return None
    table = table_of(
        cursor.execute(
            f"select *, trace_id as lake_unit from ({CHAINS_SQL.format(within=within)})",  # noqa: S608  # ours
            {**bounds, "low": row[0], "high": row[1]},
        )
    )
    named = {
        one.name: table.column(one.name).cast(one.type)
        if one.name in table.column_names
        else pa.nulls(table.num_rows, one.type)
        for one in schema
    }
    return pa.table(named, schema=schema)


def _derived(
    cursor: duckdb.DuckDBPyConnection, wanted: _Wanted
) -> tuple[dict[str, pa.Table], list[tuple[str, str]]]:
    """Return derived rows of traces and threads, and the units whose earlier rows are dead.

    Whether the lake has any is not known here: what a node has deleted since tells nothing.
    """
    register(cursor, "lake_traces", _ids(wanted.traces))
    keys = sorted(wanted.threads)
    threads = {"project": [key[0] for key in keys], "id": [key[1] for key in keys]}
    register(
        cursor,
        "lake_threads",
        pa.table({name: pa.array(column, pa.string()) for name, column in threads.items()}),
    )
    found = _of_traces(cursor) if wanted.traces else {}
    if wanted.threads:
        for name, rows in _of_threads(cursor).items():  # turns are of a thread, or of a trace alone
            found[name] = pa.concat_tables([found[name], rows]) if name in found else rows
    unit = layout.THREAD_UNIT.replace("thread_id", "id")
    of_threads = cursor.execute(f"select {unit} from lake_threads").fetchall()  # noqa: S608  # ours
    units = [*wanted.traces, *(one for (one,) in of_threads)]
    for name in ("lake_traces", "lake_threads"):
        unregister(cursor, name)
    return {name: rows for name, rows in found.items() if rows.num_rows}, [
        (layout.DERIVED, unit) for unit in sorted(units)
    ]


def _of_traces(cursor: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
    mine = "t.trace_id in (select trace_id from lake_traces)"
    bounds = _times(cursor, TRACE_TIMES_SQL)
    within = f"{mine} and t.start_time_unix_nano between $first and $last"
    found = {}
    for table in layout.TRACE_TABLES:
        if table.name == "x_evaluations":
            ours = "t.evidence_trace_id in (select trace_id from lake_traces)"
            found[table.name] = _rows(cursor, table, ours, {})
        else:
            found[table.name] = _rows(cursor, table, within, bounds)
    for table in layout.THREAD_TABLES:
        if table.name != "x_thread_facts":
            found[table.name] = _rows(cursor, table, f"t.thread_id is null and {within}", bounds)
    return found


def _of_threads(cursor: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
    mine = "(t.project, t.thread_id) in (select (project, id) from lake_threads)"
    bounds = _times(cursor, THREAD_TIMES_SQL)
    within = f"{mine} and t.start_time_unix_nano between $first and $last"
    found = {}
    for table in layout.THREAD_TABLES:
        if table.name == "x_thread_facts":
            found[table.name] = _rows(cursor, table, mine, {})
        else:
            found[table.name] = _rows(cursor, table, within, bounds)
    return found


def _times(cursor: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    row = cursor.execute(query).fetchone()
    first, last = row if row else (None, None)
    return {"first": int(first or 0), "last": int(last or 0)}


def _rows(
    cursor: duckdb.DuckDBPyConnection,
    table: Shipped,
    condition: str,
    bounds: dict[str, Any],
    *,
    source: str | None = None,
) -> pa.Table:
    """Return rows of a table, those of a unit together, with its unit; `source` has them else."""
    return table_of(
        cursor.execute(
            f"select *, {table.unit} as lake_unit from {source or table.name} t where {condition}"  # noqa: S608  # our own names
            " order by lake_unit",
            bounds,
        )
    )


def _ids(trace_ids: Sequence[str] | set[str]) -> pa.Table:
    return pa.table({"trace_id": pa.array(sorted(trace_ids), pa.string())})


def said_units(cursor: duckdb.DuckDBPyConnection, table: Shipped) -> list[str]:
    """Return the units of all rows of a table of what was said: each row is one."""
    found = cursor.execute(f"select {table.unit} from {table.name} t").fetchall()  # noqa: S608  # ours
    return [unit for (unit,) in found]


def said(cursor: duckdb.DuckDBPyConnection, table: Shipped, units: Sequence[str]) -> pa.Table:
    """Return the rows of some units, with the column `lake_unit`."""
    register(cursor, "lake_units", pa.table({"unit": pa.array(units, pa.string())}))
    ours = f"{table.unit} in (select unit from lake_units)"  # noqa: S608  # our own names
    rows = _rows(cursor, table, ours, {})
    unregister(cursor, "lake_units")
    return rows


def said_mark(cursor: duckdb.DuckDBPyConnection, table: Shipped) -> tuple[int, int]:
    """Return what differs once a table has other rows: cheaper than to compare them."""
    row = cursor.execute(
        f"select count(*), coalesce(bit_xor({table.mark}), 0) from {table.name} t"  # noqa: S608  # ours
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
