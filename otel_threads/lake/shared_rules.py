"""Rules are the lake's: what a node changed of them goes to all others, as readers' edits do.

The newest edit of each rule stays, and what says that it was deleted: so a node that was away, or
is new, hears of all of them.
"""

import duckdb
import pyarrow as pa

from otel_threads.database import sql_files
from otel_threads.database.arrow import register, table_of, unregister
from otel_threads.database.database import Database
from otel_threads.lake import layout
from otel_threads.lake.rows_of_batch import STORED

NEWEST_SQL = sql_files.query("newest_rule_edits")
UNHEARD_SQL = sql_files.query("unheard_rules")
RULES = next(table for table in layout.SAID_TABLES if table.name == "rules")


def unheard(connection: duckdb.DuckDBPyConnection, cursor: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return the edits that tell the lake, behind `connection`, what a node's file has of rules."""
    register(cursor, "newest_edits", table_of(connection.execute(NEWEST_SQL)))
    found = table_of(cursor.execute(UNHEARD_SQL))
    unregister(cursor, "newest_edits")
    return found


def note(database: Database, told: pa.Table) -> None:
    """Note in the file, before the lake has them, which edits are its own: it applies none."""
    with database.transaction() as cursor:
        register(cursor, "told", told)
        cursor.execute(
            "insert into x_lake_edits by name select edit_id, true as is_settled from told"
        )
        unregister(cursor, "told")


def tell(connection: duckdb.DuckDBPyConnection, told: pa.Table) -> None:
    """Append edits, in the caller's transaction of the lake."""
    register(connection, "told", told)
    connection.execute(f"insert into {STORED}.{layout.EDITS} by name select * from told")  # noqa: S608  # ours
    unregister(connection, "told")
