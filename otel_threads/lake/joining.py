"""Conversations that reached several nodes: derived again, from all of their spans, by one process.

A node derives what it has. Where a thread, a trace or a tool's asking and its result are on several
nodes, that is not all: the spans of all traces that hang together, and the records that they are
folded from, are loaded into a file of their own, derived there as a node does it, and shipped by
the name `joined`. What nodes ship of the same units counts no more, now and later. So the lake has
what one node with all spans would have.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from otel_threads.database import sql_files
from otel_threads.database.arrow import append, register, table_of, unregister
from otel_threads.database.database import Database
from otel_threads.lake import layout, rows_of_batch
from otel_threads.lake.connection import Place, told
from otel_threads.lake.layout import DERIVED, JOINED, JOINED_UNITS, RAW, STORED, Shipped
from otel_threads.lake.native import native
from otel_threads.lake.schema import LAKE

MEMORY_BYTES = 256 << 20  # of the file in which conversations are derived
SEEDS_MAX = 2_000  # traces and threads that one file begins with; what hangs on them comes, too
HERE = f"{LAKE}.{STORED}"
SEQUENCES = (
    "ingest_seq",
    "first_sequence",
    "last_sequence",
    "trace_sequence",
    "last_trace_sequence",
)
Derive = Callable[[Database], None]

# Statements in their order; what each makes, its file says.
LOOK_SQL = [
    sql_files.query("joining_places"),
    sql_files.query("joining_links"),
    sql_files.query("joining_changed"),
    sql_files.query("joining_seeds"),
]
LOAD_SQL = [
    sql_files.query("joining_kept"),
    sql_files.query("joining_records"),
    sql_files.query("joining_moments"),
    sql_files.query("joining_best"),
]
NEWS_SQL = sql_files.query("joining_news")
PIECE_SQL = sql_files.query("joining_piece")
GROW_SQL = sql_files.query("joining_grow")
SHARED_TRACES_SQL = sql_files.query("joining_shared_traces")
RECORDS = "x_sdk_records"
RECORD_ORDER = "partition by m.place order by t.ingest_seq, t.place, t.lake_node"


def _alive(name: str) -> str:
    """Return the name of the view of what counts of a table, joined or not."""
    return f"alive_{name}"


def _alive_views() -> Iterator[str]:
    """Yield the statements that make these views: rows that nothing ended, with their own columns.

    Here, because what ends a row is said in layout.py.
    """
    for table in layout.TABLES:
        if table.kind != layout.SAID:
            yield (
                f"create or replace temp view {_alive(table.name)} as"  # noqa: S608  # our own names
                f" select t.* from {HERE}.{table.name} t"
                f" anti {layout.join_dead(table, f'{HERE}.')}"
            )


class Joiner:
    """Joins conversations of one lake. Whoever uses it holds the owner's lock."""

    def __init__(self, where: Place, derive: Derive) -> None:
        """`derive` derives all that a file has, as a node would."""
        self._where = where
        self._derive = derive

    def join(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Join what nodes have shipped since the last time; return how many traces that took.

        In one transaction of the lake, with the position.

        Raises:
            StoreFailed: the lake does not answer, or did not take it.
        """
        with told(self._where):
            connection.execute("begin")
            try:
                traces = self._join(connection)
                connection.execute("commit")
            except BaseException:
                with contextlib.suppress(duckdb.Error):
                    connection.execute("rollback")
                raise
        return traces

    def _join(self, connection: duckdb.DuckDBPyConnection) -> int:
        connection.execute(NEWS_SQL)
        if not _count(connection, "news"):
            return 0
        for text in (*_alive_views(), *LOOK_SQL):
            connection.execute(text)
        connection.execute("create or replace temp table done (unit varchar)")
        traces = 0
        while _next_piece(connection):
            for text in LOAD_SQL:
                connection.execute(text)
            traces += self._derive_again(connection)
            connection.execute("insert into done from wanted")
        connection.execute(
            f"insert into {HERE}.{layout.POSITIONS} select lake_node, upto from news"  # noqa: S608
        )
        return traces

    def _derive_again(self, connection: duckdb.DuckDBPyConnection) -> int:
        row = connection.execute(
            f"select coalesce(max(lake_batch), 0) + 1 from {HERE}.{layout.BATCHES}"  # noqa: S608
            f" where lake_node = '{JOINED}'"
        ).fetchone()
        number = int(row[0]) if row else 1
        with tempfile.TemporaryDirectory(prefix="otel-threads-join-") as folder:
            database = Database(str(Path(folder) / "join.duckdb"), memory_limit_bytes=MEMORY_BYTES)
            try:
                times = _load(connection, database)
                self._derive(database)
                return _ship(connection, database, number, times)
            finally:
                database.close(checkpoint=False)


def _next_piece(connection: duckdb.DuckDBPyConnection) -> int:
    """Want some of what is left, with all that hangs together; return how many units that is."""
    connection.execute(PIECE_SQL, {"most": SEEDS_MAX})
    size = -1
    while (now := _count(connection, "wanted")) > size:
        size = now
        if size:
            connection.execute(GROW_SQL)
    return size


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def _load(connection: duckdb.DuckDBPyConnection, database: Database) -> list[int]:
    """Copy the spans of the wanted traces into a file, numbered by their arrival.

    Returns the time of each number, in microseconds since the epoch.
    """
    for table in layout.RAW_TABLES:
        rows = table_of(connection.execute(_raw_sql(table)))
        with database.transaction() as cursor:
            append(cursor, table.name, rows)
    with database.transaction() as cursor:
        append(cursor, RECORDS, table_of(connection.execute(_records_sql())))
    found = connection.execute("select came_us from moments order by place").fetchall()
    return [0, *(came_us for (came_us,) in found)]


def _records_sql() -> str:
    """Return the query of the records, in the order in which they came to any node."""
    own = {
        "ingest_seq": "m.place",
        "place": f"(row_number() over ({RECORD_ORDER}) - 1)::integer",
        "record_id": "t.lake_unit",
    }
    shown = ", ".join(
        f'{own.get(name, f"t.{name}")} as "{name}"' for name in native().tables[RECORDS]
    )
    return f"select {shown} from records t join moments m on m.came_us = t.came_us"  # noqa: S608  # ours


def _raw_sql(table: Shipped) -> str:
    columns = list(native().tables[table.name])
    shown = ", ".join(
        "coalesce(b.place, 1) as ingest_seq" if name == "ingest_seq" else f't."{name}"'
        for name in columns
    )
    rows = f"{_alive(table.name)} t semi join wanted w on w.unit = t.trace_id"
    of_span = "b.project = t.project and b.trace_id = t.trace_id and b.span_id = t.span_id"
    if table.name in ("log_records", "x_log_chunks"):
        also = "" if table.name == "log_records" else ", t.key, t.chunk_index"
        return (
            f"select {shown} from {rows} left join best b on {of_span}"  # noqa: S608
            f" where t.lake_node <> '{JOINED}' qualify row_number() over (partition by t.project,"
            f" t.fingerprint{also} order by t.ingest_seq, t.lake_node) = 1"
        )
    return f"select {shown} from {rows} join best b on {of_span} and b.lake_node = t.lake_node"  # noqa: S608


def _ship(
    connection: duckdb.DuckDBPyConnection, database: Database, number: int, times: Sequence[int]
) -> int:
    """Append what was derived, and end all that nodes ship of the same units."""
    tables = (*layout.TRACE_TABLES, *layout.THREAD_TABLES)
    with database.cursor() as cursor:
        derived = {table.name: _timed(_rows(cursor, table), times) for table in tables}
        shared = _shared_traces(connection)
        register(cursor, "shared", pa.table({"unit": pa.array(shared, pa.string())}))
        among = " where t.trace_id in (select unit from shared)"
        raw = {
            table.name: _timed(_rows(cursor, table, among), times) for table in layout.RAW_TABLES
        }
        unregister(cursor, "shared")
    units = _units(connection, derived["x_thread_facts"])
    _own(connection, DERIVED, units, number)
    _own(connection, RAW, shared, number)
    kept = {name: rows for name, rows in (raw | derived).items() if rows.num_rows}
    counts = [
        rows_of_batch.insert(connection, name, rows, JOINED, number) for name, rows in kept.items()
    ]
    rows_of_batch.insert_counts(
        connection, counts, node_id=JOINED, number=number, node_name=JOINED, sequence=0
    )
    return derived["traces"].num_rows


def _rows(cursor: duckdb.DuckDBPyConnection, table: Shipped, among: str = "") -> pa.Table:
    return table_of(
        cursor.execute(f"select *, {table.unit} as lake_unit from {table.name} t{among}")  # noqa: S608
    )


def _timed(rows: pa.Table, times: Sequence[int]) -> pa.Table:
    """Put the time of arrival in the place of numbers, which are of this file alone."""
    for name in SEQUENCES:
        if name in rows.column_names:
            found = [times[number or 0] for number in rows.column(name).to_pylist()]
            at = rows.column_names.index(name)
            rows = rows.set_column(at, name, pa.array(found, pa.int64()))
    return rows


def _shared_traces(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the wanted traces whose raw rows are several nodes', now or once."""
    found = connection.execute(SHARED_TRACES_SQL).fetchall()
    return sorted(unit for (unit,) in found)


def _units(connection: duckdb.DuckDBPyConnection, facts: pa.Table) -> list[str]:
    """Return the units that were wanted, and threads that came of them."""
    wanted = connection.execute("select unit from wanted").fetchall()
    return sorted({unit for (unit,) in wanted} | set(facts.column("lake_unit").to_pylist()))


def _own(
    connection: duckdb.DuckDBPyConnection, kind: str, units: Sequence[str], number: int
) -> None:
    """Let nothing count of some units but what is shipped by the name `joined` from now on."""
    if not units:
        return
    register(connection, "owned", pa.table({"unit": pa.array(units, pa.string())}))
    named = {"kind": kind}
    connection.execute(
        f"insert into {HERE}.{JOINED_UNITS} select $kind, unit from owned where unit not in"  # noqa: S608
        f" (select lake_unit from {HERE}.{JOINED_UNITS} where kind = $kind)",
        named,
    )
    connection.execute(
        f"insert into {HERE}.{layout.DEAD} by name select '{JOINED}' as lake_node, $kind as kind,"  # noqa: S608
        " unit as lake_unit, $number::bigint as lake_batch from owned",
        {**named, "number": number},
    )
    unregister(connection, "owned")
