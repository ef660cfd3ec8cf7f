"""Arrow tables under a name in SQL, registered so that DuckDB and Python never wait for each other.

`register` keeps Python's interpreter lock, and as each of DuckDB's statements ends it waits for a
change of `threads` that is under way. Such a change joins workers, and a worker that reads an Arrow
table waits for the interpreter: then all three would wait for ever (DuckDB 1.5).
"""

import threading

import duckdb
import pyarrow as pa

THREADS_LOCK = threading.Lock()  # held while `threads` changes, and in each of the calls below


def register(cursor: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    """Let SQL of the cursor read a table under a name, in place of what had the name before."""
    with THREADS_LOCK:
        cursor.register(name, table)


def unregister(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    """Take a name back."""
    with THREADS_LOCK:
        cursor.unregister(name)
