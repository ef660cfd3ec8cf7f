"""Conversations that reached several nodes: derived again, from all of their spans, by one process.

A node derives what it has. Where a thread, a trace or a tool's asking and its result are on several
nodes, that is not all: the spans of all traces that hang together are loaded into a file of their
own, derived there as a node does it, and shipped by the name `joined`. What nodes ship of the same
units counts no more, now and later. So the lake has what one node with all spans would have.
"""

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from otel_threads.database.arrow import append, register, table_of, unregister
from otel_threads.database.database import Database
from otel_threads.lake import layout, rows_of_batch
from otel_threads.lake.connection import Place, told
from otel_threads.lake.layout import DERIVED, JOINED, JOINED_UNITS, RAW, STORED, Shipped
from otel_threads.lake.native import native
from otel_threads.lake.schema import LAKE

MEMORY_BYTES = 256 << 20  # of the file in which conversations are derived
HERE = f"{LAKE}.{STORED}"
UNIT = layout.THREAD_UNIT
SEQUENCES = (
    "ingest_seq",
    "first_sequence",
    "last_sequence",
    "trace_sequence",
    "last_trace_sequence",
)
Derive = Callable[[Database], None]

# What each node has shipped since the last time.
NEWS_SQL = f"""
create or replace temp table news as
with positions as (
    select lake_node, max(lake_batch) as lake_batch from {HERE}.{layout.POSITIONS} group by all
)
select b.lake_node, max(b.lake_batch) as upto, coalesce(any_value(p.lake_batch), 0) as after
from {HERE}.{layout.BATCHES} b left join positions p on p.lake_node = b.lake_node
where b.table_name = '' and b.lake_node not in ('{JOINED}', '{layout.READERS}')
group by b.lake_node having max(b.lake_batch) > coalesce(any_value(p.lake_batch), 0)
"""  # noqa: S608  # our own names, here and below


def _alive(name: str, columns: str) -> str:
    """Return what counts of a table, joined or not: rows that nothing ended."""
    table = next(one for one in layout.TABLES if one.name == name)
    return (
        f"select {columns} from {HERE}.{name} t where not exists"  # noqa: S608
        f" (select 1 from {HERE}.{layout.DEAD} d where {layout.is_dead(table, 't', 'd')})"
    )


PLACES_SQL = f"""
create or replace temp table places as
select distinct s.lake_node, s.trace_id, case when s.thread_id is not null then s.unit end as unit
from ({_alive("x_trace_slices", f"lake_node, trace_id, thread_id, {UNIT} as unit")}) s
union
select distinct lake_node, trace_id, null from ({_alive("traces", "lake_node, trace_id")})
"""  # noqa: S608
LINKS_SQL = f"""
create or replace temp table links as
select distinct lake_node, trace_id, project || ':' || tool_call_id as call, is_answer
from ({_alive("x_tool_links", "lake_node, trace_id, project, tool_call_id, is_answer")})
"""  # noqa: S608
CHANGED_SQL = f"""
create or replace temp table changed as
select distinct lake_unit as unit from (
    select t.lake_unit from {HERE}.x_trace_slices t join news n
        on n.lake_node = t.lake_node and t.lake_batch > n.after
    union all
    select t.lake_unit from {HERE}.spans t join news n
        on n.lake_node = t.lake_node and t.lake_batch > n.after
    union all
    select t.lake_unit from {HERE}.{layout.DEAD} t join news n
        on n.lake_node = t.lake_node and t.lake_batch > n.after and t.kind <> '{layout.SAID}'
)
"""  # noqa: S608
# Traces that have to be derived with what other nodes have: to begin with.
SEEDS_SQL = f"""
create or replace temp table wanted as
with near as (
    select unit from changed
    union select p.unit from places p semi join changed c on c.unit = p.trace_id
        where p.unit is not null
), shared as (
    select trace_id as unit from places group by trace_id
        having count(distinct lake_node) filter (lake_node <> '{JOINED}') > 1
    union
    select unit from places where unit is not null group by unit
        having count(distinct lake_node) filter (lake_node <> '{JOINED}') > 1
    union
    select lake_unit from {HERE}.{JOINED_UNITS} where kind = '{DERIVED}'
    union
    select a.trace_id from links a join links b
        on a.call = b.call and a.is_answer <> b.is_answer and a.lake_node <> b.lake_node
    union
    select unit from ({_alive("x_thread_facts", f"lake_node, lake_batch, {UNIT} as unit")})
        where lake_node <> '{JOINED}' group by unit having count(*) > 1
    union  -- the node has pruned some of its traces, which the lake has still
    select f.unit from ({_alive("x_thread_facts", f"lake_node, trace_count, {UNIT} as unit")}) f
        join (select lake_node, unit, count(distinct trace_id) as traces from places group by all) p
        on p.lake_node = f.lake_node and p.unit = f.unit
        where f.lake_node <> '{JOINED}' and p.traces > f.trace_count
)
select unit from near semi join shared using (unit)
"""  # noqa: S608
# One step to all that hangs together: threads of traces, traces of threads, results of askings.
GROW_SQL = """
insert into wanted
select unit from (
    select p.unit from places p semi join wanted w on w.unit = p.trace_id where p.unit is not null
    union select p.trace_id from places p semi join wanted w on w.unit = p.unit
    union select b.trace_id from links a semi join wanted w on w.unit = a.trace_id
        join links b on b.call = a.call
) anti join wanted using (unit)
"""
# Of a span that two nodes have, the most complete counts, as on one node.
BEST_SQL = f"""
create or replace temp table best as
with kept as (
    select t.lake_node, t.project, t.trace_id, t.span_id, t.received_at
    from ({_alive("spans", "t.*")}) t semi join wanted w on w.unit = t.trace_id
    where t.lake_node <> '{JOINED}'
    qualify row_number() over (
        partition by t.project, t.trace_id, t.span_id
        order by t.end_time_unix_nano desc, cardinality(t.attributes) desc, t.received_at,
            t.lake_node
    ) = 1
)
select *, dense_rank() over (order by received_at) as place from kept
"""  # noqa: S608


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
        for text in (PLACES_SQL, LINKS_SQL, CHANGED_SQL, SEEDS_SQL):
            connection.execute(text)
        size = -1
        while (now := _count(connection, "wanted")) > size:
            size = now
            connection.execute(GROW_SQL)
        traces = 0
        if size:
            connection.execute(BEST_SQL)
            traces = self._derive_again(connection)
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
    found = connection.execute(
        "select place, epoch_us(any_value(received_at)) from best group by place order by place"
    ).fetchall()
    return [0, *(time for _, time in found)]


def _raw_sql(table: Shipped) -> str:
    columns = list(native().tables[table.name])
    shown = ", ".join(
        "coalesce(b.place, 1) as ingest_seq" if name == "ingest_seq" else f't."{name}"'
        for name in columns
    )
    rows = f"({_alive(table.name, 't.*')}) t semi join wanted w on w.unit = t.trace_id"
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
    """Return the wanted traces of which several nodes have spans, now or once."""
    found = connection.execute(
        "select w.unit from wanted w join ("  # noqa: S608
        f"select lake_unit as unit, lake_node from {HERE}.spans where lake_node <> '{JOINED}') s"
        " using (unit) group by w.unit having count(distinct s.lake_node) > 1"
        f" union select lake_unit from {HERE}.{JOINED_UNITS} j semi join wanted w"
        f" on w.unit = j.lake_unit where j.kind = '{RAW}'"
    ).fetchall()
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
