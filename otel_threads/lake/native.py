"""The tables and views of a node's file, as a fresh one says them: a lake has the same."""

import functools
import re
from dataclasses import dataclass

import duckdb

from otel_threads.database import migrations

CATALOG = "native"


@dataclass(frozen=True, slots=True)
class Native:
    """Columns by table, each with its type, and the text of each view, in an order that works."""

    tables: dict[str, dict[str, str]]
    views: dict[str, str]
    version: int


@functools.cache
def native() -> Native:
    """Return what the newest schema has."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach ':memory:' as {CATALOG}")
        connection.execute(f"use {CATALOG}")
        migrations.migrate(connection, ":memory:")
        rows = connection.execute(
            "select table_name, column_name, data_type from duckdb_columns()"
            " where database_name = current_database() and table_name in"
            " (select table_name from duckdb_tables())"
            " order by table_name, column_index"
        ).fetchall()
        tables: dict[str, dict[str, str]] = {}
        for table, column, kind in rows:
            tables.setdefault(table, {})[column] = kind
        found = connection.execute(
            "select view_name, sql from duckdb_views() where not internal order by view_name"
        ).fetchall()
    return Native(tables, _in_order(dict(found)), migrations.NEWEST)


def _in_order(views: dict[str, str]) -> dict[str, str]:
    """Return views, each after those that it reads."""
    ordered: dict[str, str] = {}

    def add(name: str) -> None:
        if name in ordered:
            return
        for other in views:
            if other != name and re.search(rf"\bfrom\b.*\b{other}\b", views[name], re.I | re.S):
                add(other)
        ordered[name] = views[name]

    for name in views:
        add(name)
    return ordered
