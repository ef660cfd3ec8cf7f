"""Appends what belongs to one batch of a node, in the caller's transaction of the lake."""

from collections.abc import Iterable

import duckdb
import pyarrow as pa

from otel_threads.database import sql_files
from otel_threads.database.arrow import register, unregister
from otel_threads.lake import layout
from otel_threads.lake.native import native
from otel_threads.lake.schema import LAKE

STORED = f"{LAKE}.{layout.STORED}"
FILLED_SQL = sql_files.query("filled_tables")


def filled(connection: duckdb.DuckDBPyConnection) -> list[layout.Shipped]:
    """Return the tables that have rows."""
    names = {name for (name,) in connection.execute(FILLED_SQL).fetchall()}
    return [table for table in layout.TABLES if table.name in names]


def insert(
    connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table, node_id: str, number: int
) -> tuple[str, int, int]:
    """Append rows of a batch to a table of the lake; return their count and their checksum."""
    columns = native().tables[name]
    listed = ", ".join(f'"{column}"::{kind} as "{column}"' for column, kind in columns.items())
    register(connection, "shipped", rows)
    connection.execute(
        f"create or replace temp table staged as select $node::varchar as lake_node,"  # noqa: S608  # our own names
        f" $batch::bigint as lake_batch, lake_unit::varchar as lake_unit, {listed} from shipped",
        {"node": node_id, "batch": number},
    )
    unregister(connection, "shipped")
    connection.execute(f"insert into {STORED}.{name} by name select * from staged")  # noqa: S608
    row = connection.execute(f"select count(*), {checksum(name)} from staged t").fetchone()  # noqa: S608
    connection.execute("drop table staged")
    assert row is not None
    return name, int(row[0]), int(row[1])


def checksum(name: str) -> str:
    """Return SQL over rows `t` of a table: a sum of hashes, so that parts can be taken away."""
    columns = (*layout.OWN_COLUMNS, *native().tables[name])
    listed = ", ".join(f't."{column}"' for column in columns)
    return f"coalesce(sum(hash(row({listed}))), 0)::decimal(38, 0)"


def insert_dead(
    connection: duckdb.DuckDBPyConnection, node_id: str, number: int, dead: list[tuple[str, str]]
) -> None:
    """Append which units' earlier rows no longer count; `dead`: kind and unit of each."""
    if not dead:
        return
    units = pa.table(
        {
            "kind": pa.array([kind for kind, _ in dead], pa.string()),
            "lake_unit": pa.array([unit for _, unit in dead], pa.string()),
        }
    )
    register(connection, "dead_units", units)
    connection.execute(
        f"insert into {STORED}.{layout.DEAD} by name select $node as lake_node,"  # noqa: S608  # our own names
        " $batch::bigint as lake_batch, kind, lake_unit from dead_units",
        {"node": node_id, "batch": number},
    )
    unregister(connection, "dead_units")


def insert_counts(
    connection: duckdb.DuckDBPyConnection,
    counts: Iterable[tuple[str, int, int]],
    *,
    node_id: str,
    number: int,
    node_name: str,
    sequence: int,
) -> None:
    """Append how many rows of each table a batch has, with their checksum, and how far it goes."""
    listed = [("", 0, 0), *counts]
    names = [name for name, _, _ in listed]
    table = {
        "table_name": pa.array(names, pa.string()),
        "row_count": pa.array([row_count for _, row_count, _ in listed], pa.int64()),
        "checksum": pa.array([str(one) for _, _, one in listed], pa.string()),
    }
    register(connection, "counted", pa.table(table))
    connection.execute(
        f"insert into {STORED}.{layout.BATCHES} by name select"  # noqa: S608  # our own names
        " $node as lake_node, $batch as lake_batch, $name as node_name, $sequence as sequence,"
        " table_name, row_count, checksum::decimal(38, 0) as checksum, $engine as engine,"
        " now() as shipped_at from counted",
        {
            "node": node_id,
            "batch": number,
            "name": node_name,
            "sequence": sequence,
            "engine": duckdb.__version__,
        },
    )
    unregister(connection, "counted")
