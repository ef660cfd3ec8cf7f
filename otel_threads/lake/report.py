"""Tells what the lake has, and whether all of it is what was shipped."""

import datetime
from dataclasses import dataclass

import duckdb

from otel_threads.database import sql_files
from otel_threads.lake import connection as connections
from otel_threads.lake import layout, rows_of_batch, schema
from otel_threads.lake.connection import APPLICATION, Place, told
from otel_threads.lake.rows_of_batch import STORED, checksum
from otel_threads.lake.shipper import MEMORY_BYTES

LAKE = schema.LAKE
NODES_SQL = sql_files.query("nodes")
SIZE_SQL = sql_files.query("size_of_lake")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """How far one node has shipped."""

    node_id: str
    node_name: str
    batch: int
    sequence: int
    shipped_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A batch of which a table has other rows than were shipped."""

    node_id: str
    batch: int
    table: str
    row_count: int
    row_count_found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeState:
    """What the lake has. `differences` is None where nobody asked for them."""

    schema_version: int
    nodes: list[NodeState]
    spans: int
    dead_units: int
    files: int
    file_bytes: int
    last_round_at: datetime.datetime | None
    differences: list[Difference] | None = None


def look(where: Place, *, verify: bool = False) -> LakeState:
    """Return what the lake has; `verify` reads all of it and compares each batch.

    Raises:
        DatabaseRefused: the extra is not there, or the lake is of a newer program.
        StoreFailed: the lake does not answer, or nothing was ever shipped to it.
    """
    connection = connections.connect(
        where,
        name=LAKE,
        application=f"{APPLICATION}-report",
        memory_limit_bytes=MEMORY_BYTES,
        read_only=True,
    )
    with connections.let_go_of(connection), told(where):
        schema.check(connection, LAKE)
        connection.execute("begin")
        return _state(connection, verify=verify)


def _state(connection: duckdb.DuckDBPyConnection, *, verify: bool) -> LakeState:
    nodes = connection.execute(NODES_SQL).fetchall()
    counts = connection.execute(SIZE_SQL).fetchone()
    files = connection.execute(
        f"select sum(file_count), sum(file_size_bytes) from ducklake_table_info('{LAKE}')"  # noqa: S608  # ours
    ).fetchone()
    version = schema.version(connection, LAKE)
    assert counts is not None
    assert files is not None
    return LakeState(
        schema_version=version[1] if version else 0,
        nodes=[
            NodeState(node_id=one, node_name=name, batch=batch, sequence=sequence, shipped_at=at)
            for one, name, batch, sequence, at in nodes
        ],
        spans=counts[0],
        dead_units=counts[1],
        last_round_at=counts[2],
        files=int(files[0] or 0),
        file_bytes=int(files[1] or 0),
        differences=differences(connection) if verify else None,
    )


def _unlike_statistics(
    connection: duckdb.DuckDBPyConnection, place: str, name: str
) -> list[Difference]:
    """Return nodes of which a filter finds other rows of a table than a scan does."""
    scanned = connection.execute(
        "with b as (select lake_node, lake_batch, count(*) as n"  # noqa: S608  # our own names
        f" from {place} group by lake_node, lake_batch)"
        " select lake_node, sum(n)::bigint, max(lake_batch), arg_max(n, lake_batch)"
        " from b group by all"
    ).fetchall()
    narrowed = f"select count(*) from {place} where lake_node = ? and lake_batch = ?"  # noqa: S608  # ours
    found = []
    for node, _, newest, of_newest in scanned:
        here = connection.execute(narrowed, [node, newest]).fetchone()
        if here and here[0] != of_newest:
            found.append((node, of_newest, here[0]))
    total = connection.execute(f"select count(*) from {place}").fetchone()  # noqa: S608  # ours
    rows = sum(of_node for _, of_node, *_ in scanned)
    if total and total[0] != rows:
        found.append(("", rows, total[0]))
    return [
        Difference(node_id=node, batch=0, table=name, row_count=n, row_count_found=here)
        for node, n, here in found
    ]


def differences(connection: duckdb.DuckDBPyConnection) -> list[Difference]:
    """Return the batches of which a table has fewer, more or other rows than were shipped.

    Old batches of a node are one, by the number of the last of them.
    Hashes are of one version of DuckDB: rows of another's are only counted. A difference of batch 0
    is one between a scan of all rows and a query that the catalog's statistics answer or narrow.
    """
    found = []
    names = {table.name for table in rows_of_batch.filled(connection)}
    of_batches = f"select distinct table_name from {STORED}.{layout.BATCHES}"  # noqa: S608  # ours
    names.update(name for (name,) in connection.execute(of_batches).fetchall())
    for table in (one for one in layout.TABLES if one.name in names):
        found += _unlike_statistics(connection, f"{STORED}.{table.name}", table.name)
        rows = connection.execute(
            "with sums as (select lake_node, max(lake_batch) as upto"  # noqa: S608  # ours
            f" from {STORED}.{layout.BATCHES} where is_sum group by all),"
            " shipped as (select b.lake_node, greatest(b.lake_batch, s.upto) as lake_batch,"
            " sum(row_count)::bigint as n, sum(checksum) as hash,"
            " bool_and(engine = $engine) as is_ours"
            f" from {STORED}.{layout.BATCHES} b left join sums s on s.lake_node = b.lake_node"
            " where table_name = $table group by all),"
            " here as (select t.lake_node, greatest(t.lake_batch, s.upto) as lake_batch,"
            f" count(*) as n, {checksum(table.name)} as hash"
            f" from {STORED}.{table.name} t left join sums s on s.lake_node = t.lake_node"
            " group by all)"
            " select coalesce(s.lake_node, h.lake_node), coalesce(s.lake_batch, h.lake_batch),"
            " coalesce(s.n, 0), coalesce(h.n, 0) from shipped s full join here h"
            " on s.lake_node = h.lake_node and s.lake_batch = h.lake_batch"
            " where coalesce(s.n, 0) <> coalesce(h.n, 0)"
            " or (s.is_ours and coalesce(s.hash, 0) <> coalesce(h.hash, 0)) order by 1, 2",
            {"engine": duckdb.__version__, "table": table.name},
        ).fetchall()
        found += [
            Difference(
                node_id=node, batch=batch, table=table.name, row_count=n, row_count_found=here
            )
            for node, batch, n, here in rows
        ]
    return found
