"""Brings a file's schema up to date, step by step, and refuses files from the future."""

import logging

import duckdb

from otel_threads.core.errors import DatabaseRefused
from otel_threads.database import sql_files

logger = logging.getLogger(__name__)
MIGRATIONS = sql_files.migrations()
NEWEST = MIGRATIONS[-1].number


def version(cursor: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the last step that the file has had; 0 for an empty file."""
    there = cursor.execute(
        "select count(*) from duckdb_tables()"
        " where database_name = current_database() and table_name = 'schema_version'"
    ).fetchone()
    if not there or not there[0]:
        return 0
    row = cursor.execute("select max(number) from schema_version").fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def check(cursor: duckdb.DuckDBPyConnection, path: str) -> int:
    """Return the file's version when this program can read it as it is.

    Raises:
        DatabaseRefused: it is newer, older, or holds other tables than ours.
    """
    found = version(cursor)
    if found > NEWEST:
        raise DatabaseRefused(
            f"{path} has schema {found}, this program knows up to {NEWEST}. "
            "Upgrade otel-threads, or name another file with --database."
        )
    if found == 0:
        raise DatabaseRefused(f"{path} has none of our tables: no server has written to it yet.")
    if found < NEWEST:
        raise DatabaseRefused(
            f"{path} has schema {found}, this program needs {NEWEST}. "
            "Start `otel-threads serve` on it once: that brings it up to date."
        )
    return found


def migrate(cursor: duckdb.DuckDBPyConnection, path: str) -> None:
    """Apply the steps that the file lacks, each in a transaction of its own.

    Raises:
        DatabaseRefused: the file is newer than this program, or holds somebody else's tables.
    """
    found = version(cursor)
    if found > NEWEST:
        check(cursor, path)
    if found == 0:
        foreign = cursor.execute(
            "select table_name from duckdb_tables()"
            " where database_name = current_database() limit 1"
        ).fetchone()
        if foreign:
            raise DatabaseRefused(
                f"{path} holds other tables ({foreign[0]}) and none of ours. "
                "Name another file with --database."
            )
    for step in MIGRATIONS[found:]:
        cursor.begin()
        try:
            cursor.execute(
                "create table if not exists schema_version"
                " (number bigint, name varchar, applied_at timestamptz)"
            )
            cursor.execute(step.text)
            cursor.execute(
                "insert into schema_version values (?, ?, now())", [step.number, step.name]
            )
            cursor.commit()
        except BaseException:
            cursor.rollback()
            raise
        logger.info("schema step %d (%s) applied to %s", step.number, step.name, path)
