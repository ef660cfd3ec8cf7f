"""Makes the lake's tables and views, and brings them up to date: one process at a time."""

import logging
from collections.abc import Collection, Mapping, Sequence

import duckdb

from otel_threads.core.errors import DatabaseRefused, StoreFailed
from otel_threads.database import sql_files
from otel_threads.lake import layout
from otel_threads.lake.connection import CatalogLock, Place, keep_keys_from_catalog, told
from otel_threads.lake.native import Native, native

HOLDS_NUL_SQL = sql_files.query("lake_holds_nul")
logger = logging.getLogger(__name__)
LAKE = "lake"  # how connections that write name the lake
HELD = "held"  # a schema in a reader's memory
SCHEMA_LOCK, OWNER_LOCK = 7_301_001, 7_301_002
LAYOUT = 4  # of what is the lake's own: raised when a table of it changes, or what ends rows
BOOKS = {
    layout.BATCHES: {
        "lake_node": "VARCHAR",
        "lake_batch": "BIGINT",
        "node_name": "VARCHAR",
        "sequence": "BIGINT",
        "table_name": "VARCHAR",
        "row_count": "BIGINT",
        "checksum": "DECIMAL(38,0)",
        "engine": "VARCHAR",
        "shipped_at": "TIMESTAMP WITH TIME ZONE",
        "is_sum": "BOOLEAN",  # of all batches of the node up to this one
    },
    layout.DEAD: {
        "lake_node": "VARCHAR",
        "kind": "VARCHAR",
        "lake_unit": "VARCHAR",
        "lake_batch": "BIGINT",
    },
    layout.JOINED_UNITS: {"kind": "VARCHAR", "lake_unit": "VARCHAR"},
    layout.POSITIONS: {"lake_node": "VARCHAR", "lake_batch": "BIGINT"},
    layout.EDITS: {
        "edit_id": "VARCHAR",
        "edited_at": "TIMESTAMP WITH TIME ZONE",
        "table_name": "VARCHAR",
        "is_gone": "BOOLEAN",
        "content": "VARCHAR",  # the row, as JSON
        "lake_batch": "BIGINT",
        "lake_unit": "VARCHAR",
        "seen": "VARCHAR",  # which commit of each node its writer saw, as JSON
    },
    layout.VERSIONS: {
        "layout": "BIGINT",
        "schema_version": "BIGINT",
        "made_at": "TIMESTAMP WITH TIME ZONE",
    },
    layout.ROUNDS: {
        "node_name": "VARCHAR",
        "ended_at": "TIMESTAMP WITH TIME ZONE",
        "dead_rows": "BIGINT",
    },
}
OWN = {"lake_node": "VARCHAR", "lake_batch": "BIGINT", "lake_unit": "VARCHAR"}


def version(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[int, int] | None:
    """Return the layout and the schema that the lake has, None for an empty one."""
    newest = (
        f"select max(layout), max(schema_version) from {name}.{layout.STORED}.{layout.VERSIONS}"  # noqa: S608  # our own names
    )
    try:  # DuckDB's own list of tables would bind each view of the lake
        row = connection.execute(newest).fetchone()
    except duckdb.CatalogException:
        return None
    return (row[0], row[1]) if row and row[0] is not None else None


def check(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Return whether the lake is as this program knows it; False for an empty or older one.

    Raises:
        DatabaseRefused: it is of a newer program.
    """
    found = version(connection, name)
    own = (LAYOUT, native().version)
    if found is not None and found > own:
        raise DatabaseRefused(
            f"the lake has schema {found[1]} (layout {found[0]}), this program knows up to"
            f" {own[1]} (layout {own[0]}): upgrade otel-threads"
        )
    return found == own


def prepare(connection: duckdb.DuckDBPyConnection, where: Place) -> None:
    """Make the lake, or bring it up to date, unless it is; others wait meanwhile.

    Raises:
        DatabaseRefused: it is of a newer program.
        StoreFailed: the catalog or the storage does not answer.
    """
    _bring_up_to_date(connection, where)
    with told(where):
        heed_nul(connection)


def heed_nul(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep the keys of rows out of what the catalog is asked, where any holds a NUL.

    The SQL that DuckLake sends to PostgreSQL ends there. Only rows of older programs hold any.
    """
    if connection.execute(HOLDS_NUL_SQL).fetchone():
        keep_keys_from_catalog(connection)


def _bring_up_to_date(connection: duckdb.DuckDBPyConnection, where: Place) -> None:
    with told(where):
        if check(connection, LAKE):
            return
    logger.info("waiting for the lock of the lake's schema: another node may be migrating it")
    with CatalogLock(where, SCHEMA_LOCK).held(wait=True), told(where):
        if check(connection, LAKE):
            return
        connection.execute("begin")
        try:
            _make(connection, native())
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise
    logger.info("the lake has schema %d now", native().version)


def _make(connection: duckdb.DuckDBPyConnection, known: Native) -> None:
    connection.execute(f"create schema if not exists {LAKE}.{layout.STORED}")
    wanted = {one.name: OWN | known.tables[one.name] for one in layout.TABLES} | BOOKS
    for name, columns in wanted.items():
        _make_table(connection, name, columns)
    connection.execute(f"use {LAKE}")
    try:
        for text in views(known):
            connection.execute(text)
    finally:
        connection.execute("use memory")
    connection.execute(
        f"insert into {LAKE}.{layout.STORED}.{layout.VERSIONS} values (?, ?, now())",  # noqa: S608  # ours
        [LAYOUT, known.version],
    )


def _make_table(connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str]) -> None:
    place = f"{LAKE}.{layout.STORED}.{name}"
    there = connection.execute(
        "select column_name from duckdb_columns()"
        " where database_name = ? and schema_name = ? and table_name = ?",
        [LAKE, layout.STORED, name],
    ).fetchall()
    if not there:
        listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        connection.execute(f"create table {place} ({listed})")
        return
    for column in columns.keys() - {row[0] for row in there}:
        connection.execute(f'alter table {place} add column "{column}" {columns[column]}')


def views(known: Native) -> list[str]:
    """Return the statements that make the views of `main`: each table of a node, and its views."""
    texts = [
        f"create or replace view {one.name} as {layout.view(one, tuple(known.tables[one.name]))}"
        for one in layout.TABLES
    ]
    return texts + fixed_views(known)


def fixed_views(known: Native) -> list[str]:
    """Return the statements that make those that are of other views, and those that are empty."""
    texts = [
        f"create or replace view {name} as {_no_rows(known.tables[name])}"
        for name in layout.EMPTY_TABLES
    ]
    return texts + [
        text.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1) for text in known.views.values()
    ]


def _no_rows(columns: dict[str, str]) -> str:
    listed = ", ".join(f'null::{kind} as "{column}"' for column, kind in columns.items())
    return f"select {listed} where false"


def held_tables(
    known: Native,
    at: str,
    written: Sequence[layout.Shipped],
    empty: Collection[str],
    *,
    only: Mapping[str, str],
) -> dict[str, str]:
    """Return the queries of what a reader holds, by where; `at` says of which snapshot.

    What it does not write is held out of sight, and seen by views. `only`: of some tables the node
    whose rows are wanted. `empty`: as for `views_at`.
    """
    stored = f"{LAKE}.{layout.STORED}"
    held = {
        name: f"select * from {stored}.{name} {at}"  # noqa: S608  # our own names
        for name in (layout.DEAD, layout.JOINED_UNITS)
    }
    columns = BOOKS | known.tables
    for one in layout.TABLES:
        if one.kind == layout.SAID:
            held[held_name(one, written)] = layout.view(
                one,
                tuple(columns[one.name]),
                stored=stored,
                at=at,
                books="",
                rowid=False,
                only=only.get(one.name, ""),
            )
    for place in held:
        name = place.rpartition(".")[2]
        if name in empty:
            held[place] = _no_rows(columns[name])
    return held


def held_name(table: layout.Shipped, written: Sequence[layout.Shipped]) -> str:
    """Return where a reader holds a table of what was said."""
    return table.name if table in written else f"{HELD}.{table.name}"


def held_views(written: Sequence[layout.Shipped]) -> list[str]:
    """Return the statements that make the views of what a reader holds out of sight."""
    return [
        f"create or replace view {one.name} as select {'rowid, ' if one.rowid else ''}*"  # noqa: S608  # our own names
        f" from {held_name(one, written)}"
        for one in layout.TABLES
        if one.kind == layout.SAID and one not in written
    ]


def views_at(
    known: Native, at: str, empty: Collection[str], *, only: Mapping[str, str]
) -> list[str]:
    """Return the statements that make a reader's views of what it does not hold.

    `empty`: tables without a file, which take DuckLake ten times as long to read as one with rows.
    """
    stored = f"{LAKE}.{layout.STORED}"
    texts = []
    for one in layout.TABLES:
        columns = known.tables[one.name]
        if one.kind == layout.SAID:
            continue
        if one.name in empty:
            text = _no_rows({"rowid": "BIGINT", **columns} if one.rowid else columns)
        else:
            ours = only.get(one.name, "")
            text = layout.view(one, tuple(columns), stored=stored, at=at, books="", only=ours)
        texts.append(f"create or replace view {one.name} as {text}")
    return texts


def unreachable(where: Place, error: StoreFailed) -> str:
    """Return what is told of a lake that does not answer."""
    return f"the {where.kind} catalog or the storage of the lake does not answer: {error}"
