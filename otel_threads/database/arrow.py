"""Arrow tables into SQL and out of it, in the ways that cost DuckDB and Python least.

`register` keeps Python's interpreter lock, and as each of DuckDB's statements ends it waits for a
change of `threads` that is under way. Such a change joins workers, and a worker that reads an Arrow
table waits for the interpreter: then all three would wait for ever (DuckDB 1.5).
"""

import threading
from typing import Any

import duckdb
import pyarrow as pa

THREADS_LOCK = threading.Lock()  # held while `threads` changes, and while a name comes or goes
# DuckDB makes room for so many rows of each column before it has one: with its own million, a
# query of 24 columns and a single row takes 1.0 ms instead of 0.5.
BATCH_ROWS = 8192


def register(cursor: duckdb.DuckDBPyConnection, name: str, table: object) -> None:
    """Let SQL of the cursor read a table under a name, in place of what had the name before.

    A transaction keeps a table until its end, also after `unregister`. `table.__arrow_c_stream__()`
    is read once and goes then.
    """
    with THREADS_LOCK:
        cursor.register(name, table)


def unregister(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    """Take a name back."""
    with THREADS_LOCK:
        cursor.unregister(name)


def append(cursor: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """Append rows to the table of that name, which has their columns in their order."""
    # By position, a fifth cheaper than by name; as a stream, which is read without the interpreter.
    cursor.from_arrow(rows.__arrow_c_stream__()).insert_into(name)


def table_of(cursor: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return what the cursor's last query found, in its order."""
    return cursor.to_arrow_table(BATCH_ROWS)


def rows_of(
    cursor: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return what a query finds, a dictionary a row."""
    found: list[dict[str, Any]] = table_of(cursor.execute(query, parameters or {})).to_pylist()
    return found
