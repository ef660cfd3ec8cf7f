"""Which traces asked for tools and which brought results: for derive/tool_result_links.py.

A trace without an id belongs where its result was asked for. When an asking comes, goes or changes
its thread, the traces that bring its result are noted in `x_traces_to_rederive`: the next pass
derives them again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import duckdb
import pyarrow as pa

from otel_threads.core.trace_rows import LinkRow
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, table_of
from otel_threads.derive.tool_result_links import ToolCall

ASKERS_SQL = sql_files.query("tool_askers")
ASKED_SQL = sql_files.query("tool_asked")
REDERIVE_SQL = sql_files.query("rederive")
LINKS = pa.schema(
    [
        ("project", pa.string()),
        ("trace_id", pa.string()),
        ("start_time_unix_nano", pa.int64()),
        ("thread_id", pa.string()),
        ("tool_call_id", pa.string()),
        ("is_answer", pa.bool_()),
        ("turn_key", pa.string()),
    ]
)
Row = dict[str, Any]


def kept(links: Sequence[LinkRow]) -> list[LinkRow]:
    """Return the rows that are worth keeping: asking matters only in a thread."""
    return [row for row in links if row["is_answer"] or row["thread_id"] is not None]


def askers(
    cursor: duckdb.DuckDBPyConnection, calls: Sequence[ToolCall], first: int, last: int
) -> list[LinkRow]:
    """Return what stored traces but those in work_ids asked of some tool calls, within bounds."""
    register(cursor, "wanted", _of_calls(calls))
    return _rows(cursor, ASKERS_SQL, {"first": first, "last": last})


def asked(cursor: duckdb.DuckDBPyConnection, *, first: int, last: int | None) -> list[LinkRow]:
    """Return what the traces in work_ids asked so far. `first`, `last`: as in derived.replace."""
    return _rows(cursor, ASKED_SQL, {"first": first, "last": last})


def note_changes(
    cursor: duckdb.DuckDBPyConnection, before: Sequence[LinkRow], links: Sequence[LinkRow]
) -> None:
    """Have traces derived again whose thread hangs on what the traces in work_ids ask now.

    `before`: what they asked until now. `links`: theirs from now on.
    """
    after = [row for row in kept(links) if not row["is_answer"]]
    changed = set(map(_values, before)) ^ set(map(_values, after))
    if not changed:
        return
    rows = [dict(zip(LINKS.names, values, strict=True)) for values in changed]
    register(cursor, "changed", _of_calls([(row["project"], row["tool_call_id"]) for row in rows]))
    cursor.execute(REDERIVE_SQL, {"first": min(row["start_time_unix_nano"] for row in rows)})


def _values(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in LINKS.names)


def _rows(cursor: duckdb.DuckDBPyConnection, text: str, parameters: Row) -> list[LinkRow]:
    return cast(list[LinkRow], table_of(cursor.execute(text, parameters)).to_pylist())


def _of_calls(calls: Sequence[ToolCall]) -> pa.Table:
    return pa.table(
        {
            "project": pa.array([project for project, _ in calls], pa.string()),
            "tool_call_id": pa.array([tool_call_id for _, tool_call_id in calls], pa.string()),
        }
    )
