"""Traces of log records that stand alone, beside those that tell the same: for derive/retold.py.

When a trace of spans comes, goes or changes, the records of its time and thread are noted in
`x_traces_to_rederive`: the next pass derives them again.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads.core.model import TraceRows
from otel_threads.core.trace_rows import PartRow
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, rows_of
from otel_threads.derive.retold import FETCHED, GAP_NS, Wanted, before_ns
from otel_threads.store.derived import payloads

TRACES = pa.schema(
    [
        ("project", pa.string()),
        ("thread_id", pa.string()),
        ("trace_id", pa.string()),
        ("record_rank", pa.int32()),
        ("start_time_unix_nano", pa.int64()),
        ("end_time_unix_nano", pa.int64()),
    ]
)
ANY_SQL = "select 1 from x_record_traces limit 1"
TOLD_EARLIER_SQL = sql_files.query("told_earlier")
CHANGED_SQL = sql_files.query("changed_slices")
REDERIVE_SQL = sql_files.query("rederive_records")
Row = dict[str, Any]


def rows(traces: Sequence[TraceRows]) -> list[Row]:
    """Return the rows of x_record_traces: the slices of those that may tell something again."""
    return [
        {
            **row,
            "record_rank": trace.record_rank,
            "start_time_unix_nano": row["start_time_unix_nano"] - before_ns(trace),
        }
        for trace in traces
        if trace.record_rank
        for row in trace.slices
        if row["thread_id"] is not None
    ]


def parts(cursor: duckdb.DuckDBPyConnection, wanted: Sequence[Wanted]) -> list[PartRow]:
    """Return parts of turns of stored traces but those in work_ids, in threads and times."""
    columns = {
        "project": pa.array([one.project for one in wanted], pa.string()),
        "thread_id": pa.array([one.thread_id for one in wanted], pa.string()),
        "first": pa.array([one.first_unix_nano for one in wanted], pa.int64()),
        "last": pa.array([one.last_unix_nano for one in wanted], pa.int64()),
    }
    register(cursor, "wanted", pa.table(columns))
    bounds = {"last": max(one.last_unix_nano for one in wanted)}
    chunks: dict[tuple[str, int], list[tuple[int, str]]] = {}
    for row in rows_of(cursor, TOLD_EARLIER_SQL, bounds):
        key = (row["trace_id"], row["part_index"])
        chunks.setdefault(key, []).append((row["chunk_index"], row["payload"]))
    return [
        payloads.unpacked("".join(chunk for _, chunk in sorted(some))) for some in chunks.values()
    ]


def note_changes(cursor: duckdb.DuckDBPyConnection, traces: Iterable[TraceRows]) -> None:
    """Have the records derived again that tell what the traces in work_ids tell, or told."""
    if cursor.execute(ANY_SQL).fetchone() is None:
        return
    now = [
        {**row, "record_rank": trace.record_rank}
        for trace in traces
        for row in trace.slices
        if row["thread_id"] is not None
    ]
    before = rows_of(cursor, CHANGED_SQL)
    register(cursor, "changed", pa.Table.from_pylist([*before, *now], schema=TRACES))
    cursor.execute(REDERIVE_SQL, {"gap": GAP_NS, "fetched": FETCHED})
