"""Deletes from the lake what is older than it keeps: whole conversations, and traces of none.

Their rows of all nodes are ended as those of a unit that changed, and then dropped like those.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from otel_threads.core.ports import ThreadKey
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, unregister
from otel_threads.lake import layout
from otel_threads.lake.layout import DERIVED, SAID, THREAD_UNIT, Shipped
from otel_threads.lake.native import native
from otel_threads.lake.rows_of_batch import STORED, filled

THREADS_MAX, TRACES_MAX = 5000, 20_000  # of one round
COUNTED = ("rule_runs",)  # what they cost counts on


@dataclass(frozen=True, slots=True)
class Kept:
    """How many days the lake keeps, and of which projects other ones; 0 for all."""

    days: float = 0.0
    projects: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_all(self) -> bool:
        """Whether nothing is ever old."""
        return not self.days and not any(self.projects.values())


OLD_THREADS_SQL = sql_files.query("lake_old_threads")
OLD_TRACES_SQL = sql_files.query("lake_old_traces")
TRACES_OF_THREADS_SQL = sql_files.query("traces_of_threads")


def end_old(
    connection: duckdb.DuckDBPyConnection, kept: Kept, now: datetime.datetime
) -> tuple[int, int]:
    """End rows of what is old, in one transaction; return how many threads and traces that were.

    The oldest go first, so many of each.
    """
    if kept.is_all:
        return 0, 0
    connection.execute("begin")
    try:
        found = _end_old(connection, kept, now)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return found


def _end_old(
    connection: duckdb.DuckDBPyConnection, kept: Kept, now: datetime.datetime
) -> tuple[int, int]:
    days = {
        "project": pa.array(list(kept.projects), pa.string()),
        "days": pa.array(list(kept.projects.values()), pa.float64()),
    }
    register(connection, "kept_days", pa.table(days))
    for text, most in ((OLD_THREADS_SQL, THREADS_MAX), (OLD_TRACES_SQL, TRACES_MAX)):
        connection.execute(text, {"days": kept.days, "now": now, "most": most})
    unregister(connection, "kept_days")
    threads, traces = (_count(connection, name) for name in ("old_threads", "old_traces"))
    if threads or traces:
        _end(connection)
        connection.execute(
            f"delete from {STORED}.{layout.JOINED_UNITS} where lake_unit in"  # noqa: S608  # ours
            f" (select unit from old_traces) or (kind = '{DERIVED}' and lake_unit in"
            " (select unit from old_threads))"
        )
    return threads, traces


def end_threads(connection: duckdb.DuckDBPyConnection, keys: Sequence[ThreadKey]) -> None:
    """End all rows of some threads, of all nodes, in the caller's transaction.

    Traces that other threads have a part in stay: nodes ship them again without what was deleted.
    """
    names = ("project", "thread_id")
    columns = {
        name: pa.array([key[i] for key in keys], pa.string()) for i, name in enumerate(names)
    }
    register(connection, "deleted_threads", pa.table(columns))
    connection.execute(
        "create or replace temp table old_threads as"  # noqa: S608  # our own names
        f" select project, thread_id, {THREAD_UNIT} as unit from deleted_threads"
    )
    unregister(connection, "deleted_threads")
    connection.execute(TRACES_OF_THREADS_SQL)
    _end(connection)


def _end(connection: duckdb.DuckDBPyConnection) -> None:
    for table in filled(connection):
        if condition := _is_old(table):
            connection.execute(
                f"insert into {STORED}.{layout.DEAD} by name select lake_node, '{table.kind}'"  # noqa: S608  # ours
                " as kind, lake_unit, max(lake_batch) + 1 as lake_batch"
                f" from {STORED}.{table.name} t where {condition} group by lake_node, lake_unit"
            )


def _is_old(table: Shipped) -> str:
    """Return the condition that a row `t` of a table goes; empty where none of it does."""
    if table in layout.RECORD_TABLES:
        return (
            f"t.lake_unit in (select record_id from {STORED}.spans"  # noqa: S608  # our own names
            " where lake_unit in (select unit from old_traces))"
        )
    if table.kind != SAID:
        return "t.lake_unit in (select unit from old_traces union all select unit from old_threads)"
    columns = native().tables[table.name].keys()
    if table.name in COUNTED:
        return ""
    if table in layout.COUNTED_TABLES:  # it may quote them, and is counted anew
        return "true"
    if table.name == "x_attachment_chunks":
        return (
            f"t.id in (select id from {STORED}.x_attachments"  # noqa: S608  # our own names
            " where trace_id in (select unit from old_traces))"
        )
    found = []
    if {"project", "thread_id"} <= columns:
        found.append("(t.project, t.thread_id) in (select (project, thread_id) from old_threads)")
    if "trace_id" in columns:
        found.append("t.trace_id in (select unit from old_traces)")
    return " or ".join(found)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()  # noqa: S608  # ours
    return int(row[0]) if row else 0
