"""Keeps what the deriver makes: `ports.DerivedStore` over the database.

Rows are replaced by delete and insert within time bounds: recomputing is idempotent, and the
bounds let zone maps find old rows without an index.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from otel_threads.model import Span, TraceRows
from otel_threads.ports import Merge, ThreadKey, Work
from otel_threads.store import rows, sql
from otel_threads.store.database import Database

ROWS_MAX = 4000  # spans read in one pass, unless a single commit holds more
COMMITS_MAX = 512  # commits looked at in one pass
TABLES = ("traces", "trace_slices", "calls", "turn_parts", "turns", "messages", "thread_facts")

PENDING_SQL = sql.query("pending_commits")
TOUCHED_TRACES_SQL = sql.query("touched_traces")
BOUNDS_SQL = sql.query("trace_bounds")
SPANS_SQL = sql.query("work_spans")
CONTENT_SQL = sql.query("work_content")
LOGS_SQL = sql.query("work_logs")
TOUCHED_THREADS_SQL = sql.query("touched_threads")
CUTS_SQL = sql.query("thread_cuts")
PARTS_SQL = sql.query("thread_parts")
INSERT_THREADS_SQL = sql.query("insert_threads")
POSITION_SQL = "select derived_sequence from derive_state"


class DuckDBDerivedStore:
    """A `DerivedStore`. Used by the deriver's thread alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def position(self) -> int:
        """See `ports.DerivedStore`."""
        with self._database.cursor() as cursor:
            row = cursor.execute(POSITION_SQL).fetchone()
        return int(row[0]) if row else 0

    def pending(self, *, after: int, upto: int) -> Work:
        """See `ports.DerivedStore`."""
        upto = min(upto, after + COMMITS_MAX)
        with self._database.cursor() as cursor:
            commits = cursor.execute(PENDING_SQL, {"after": after, "upto": upto}).fetchall()
            taken = 0
            for sequence, row_count in commits:
                if taken and taken + row_count > ROWS_MAX:
                    upto = sequence - 1
                    break
                taken += row_count
            found = cursor.execute(TOUCHED_TRACES_SQL, {"after": after, "upto": upto}).fetchall()
        return Work(upto, [trace_id for (trace_id,) in found])

    def spans(self, work: Work, *, after: int) -> Mapping[str, list[Span]]:
        """See `ports.DerivedStore`."""
        found: dict[str, list[Span]] = {}
        with self._database.cursor() as cursor:
            # One snapshot: a commit between two of the queries must not split a span.
            cursor.begin()
            cursor.register("work_ids", pa.table({"trace_id": pa.array(work.trace_ids, pa.string())}))
            row = cursor.execute(BOUNDS_SQL, {"after": after}).fetchone()
            if row is not None and row[0] is not None:
                bounds = {"first": row[0]}
                found_rows = cursor.execute(SPANS_SQL, bounds).fetch_arrow_table()
                content = cursor.execute(CONTENT_SQL, bounds).fetch_arrow_table()
                logs = rows.log_records(cursor.execute(LOGS_SQL).fetch_arrow_table())
                for span in rows.spans(found_rows, rows.content_by_span(content)):
                    span.logs = logs.get((span.trace_id, span.span_id), [])
                    found.setdefault(span.trace_id, []).append(span)
            cursor.rollback()
        return found

    def save(self, work: Work, traces: Sequence[TraceRows], merge: Merge) -> list[ThreadKey]:
        """See `ports.DerivedStore`."""
        with self._database.transaction() as cursor:
            changed = _replace(cursor, work, traces, merge) if traces else []
            cursor.execute("update derive_state set derived_sequence = ?", [work.upto])
        return changed

    def reset(self) -> None:
        """See `ports.DerivedStore`."""
        with self._database.transaction() as cursor:
            for table in TABLES:
                cursor.execute(f"delete from {table}")  # noqa: S608  # our own names
            cursor.execute("update derive_state set derived_sequence = 0")


def _replace(
    cursor: duckdb.DuckDBPyConnection, work: Work, traces: Sequence[TraceRows], merge: Merge
) -> list[ThreadKey]:
    first = min(trace.first_unix_nano for trace in traces)
    cursor.register("work_ids", pa.table({"trace_id": pa.array(work.trace_ids, pa.string())}))
    affected: dict[ThreadKey, int] = {
        (project, thread_id): earliest
        for project, thread_id, earliest in cursor.execute(
            TOUCHED_THREADS_SQL, {"first": first}
        ).fetchall()
    }
    for trace in traces:
        for row in trace.slices:
            if row["thread_id"] is not None:
                key = (row["project"], row["thread_id"])
                affected[key] = min(
                    affected.get(key, row["start_time_unix_nano"]), row["start_time_unix_nano"]
                )
    for table in ("traces", "trace_slices", "calls", "turn_parts"):
        cursor.execute(
            f"delete from {table} where start_time_unix_nano >= $first"  # noqa: S608  # our names
            " and trace_id in (select trace_id from work_ids)",
            {"first": first},
        )
    for table in ("turns", "messages"):
        cursor.execute(
            f"delete from {table} where start_time_unix_nano >= $first"  # noqa: S608  # our names
            " and thread_id is null and trace_id in (select trace_id from work_ids)",
            {"first": first},
        )
    _insert(cursor, "traces", [_timed(trace.trace, received=True) for trace in traces], TRACES)
    _insert(cursor, "trace_slices", [row for trace in traces for row in trace.slices], SLICES)
    _insert(cursor, "calls", [_timed(row) for trace in traces for row in trace.calls], CALLS)
    parts = [part for trace in traces for part in trace.parts]
    _insert(cursor, "turn_parts", [_packed(part) for part in parts], PARTS)
    loose = [
        turn
        for trace in traces
        for i, turn in enumerate(merge([p for p in trace.parts if p["thread_id"] is None]))
        if turn.update(turn_index=i) is None
    ]
    turns = loose + _threads_again(cursor, affected, merge)
    _insert(cursor, "turns", [_turn(turn) for turn in turns], TURNS)
    _insert(cursor, "messages", [row for turn in turns for row in _messages(turn)], MESSAGES)
    if affected:
        cursor.execute(
            "delete from thread_facts where (project, thread_id) in"
            " (select (project, thread_id) from affected)"
        )
        cursor.execute(INSERT_THREADS_SQL)
    return list(affected)


def _threads_again(
    cursor: duckdb.DuckDBPyConnection, affected: Mapping[ThreadKey, int], merge: Merge
) -> list[dict[str, Any]]:
    """Delete the turns of touched threads from the change on; return them made again."""
    if not affected:
        return []
    cursor.register(
        "affected",
        pa.table(
            {
                "project": pa.array([project for project, _ in affected], pa.string()),
                "thread_id": pa.array([thread_id for _, thread_id in affected], pa.string()),
                "first": pa.array(list(affected.values()), pa.int64()),
            }
        ),
    )
    cuts = cursor.execute(CUTS_SQL).fetch_arrow_table()
    cursor.register("cuts", cuts)
    for table in ("turns", "messages"):
        cursor.execute(
            f"delete from {table} using cuts"  # noqa: S608  # our own names
            f" where {table}.thread_id = cuts.thread_id and {table}.project = cuts.project"
            f" and {table}.start_time_unix_nano >= cuts.cut"
        )
    parts: dict[ThreadKey, list[dict[str, Any]]] = {}
    for project, thread_id, payload in cursor.execute(PARTS_SQL).fetchall():
        parts.setdefault((project, thread_id), []).append(orjson.loads(payload))
    turns = []
    for row in cuts.to_pylist():
        key = (row["project"], row["thread_id"])
        for i, turn in enumerate(merge(parts.get(key, []))):
            turn["turn_index"] = row["kept"] + i
            turns.append(turn)
    return turns


def _insert(
    cursor: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]], schema: pa.Schema
) -> None:
    if not rows:
        return
    cursor.register("derived_rows", pa.Table.from_pylist(rows, schema=schema))
    cursor.execute(f"insert into {table} by name select * from derived_rows")  # noqa: S608  # our names
    cursor.unregister("derived_rows")


def _timed(row: dict[str, Any], *, received: bool = False) -> dict[str, Any]:
    """Return a row with the columns that follow from its nanoseconds."""
    start, end = row["start_time_unix_nano"], row["end_time_unix_nano"]
    timed = {
        **row,
        "start_time": start // 1000,
        "end_time": end // 1000,
        "duration_ms": (end - start) / 1e6,
    }
    if received:
        timed["created_at"] = row["created_unix_nano"] // 1000
        timed["updated_at"] = row["received_unix_nano"] // 1000
        timed["metadata"] = list(row["metadata"].items())
    return timed


def _packed(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "payload": json(part)}


def _turn(turn: dict[str, Any]) -> dict[str, Any]:
    error = turn["error"]
    return _timed(turn) | {
        "has_error": error is not None,
        "error_type": error["type"] if error else None,
        "error_message": error["message"] if error else None,
        "tool_calls": json(turn["tool_calls"]),
        "message_count": len(turn["messages"]),
    }


def _messages(turn: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            **message,
            "project": turn["project"],
            "thread_id": turn["thread_id"],
            "trace_id": turn["trace_id"],
            "turn_index": turn["turn_index"],
            "message_index": i,
            "start_time_unix_nano": turn["start_time_unix_nano"],
            "parts": json(message["parts"]),
            "tool_calls": json(message["tool_calls"]),
        }
        for i, message in enumerate(turn["messages"])
    ]


def json(value: Any) -> str:
    """Return compact JSON; integers beyond 64 bits and odd keys become text."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):
        import json as slow

        text = slow.dumps(value, default=str)
        return text.encode("utf-8", "replace").decode()


_S, _I, _D, _B = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_T, _L, _M = pa.timestamp("us", tz="UTC"), pa.list_(pa.string()), pa.map_(pa.string(), pa.string())
_SPENT = [
    *((name, _L) for name in ("models", "providers")),
    *(
        (name, _I)
        for name in (
            "input_tokens", "output_tokens", "total_tokens",
            "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
        )
    ),
    ("cost_usd", _D), ("cost_source", _S), ("cost_is_partial", _B),
]  # fmt: skip
_TIMES = [
    ("start_time", _T), ("end_time", _T), ("start_time_unix_nano", _I), ("end_time_unix_nano", _I),
    ("duration_ms", _D),
]  # fmt: skip
_ABOUT = [*((name, _L) for name in ("services", "users", "environments", "tags")), ("metadata", _M)]
TRACES = pa.schema(
    [
        ("project", _S), ("trace_id", _S), ("thread_id", _S), ("thread_ids", _L),
        ("thread_id_source", _S), ("root_span_id", _S), ("name", _S), *_TIMES, ("created_at", _T),
        ("updated_at", _T), ("turn_count", _I), ("span_count", _I), ("error_count", _I),
        ("call_count", _I), ("first_message", _S), ("last_message", _S), ("is_copy", _B), *_ABOUT, *_SPENT,
    ]
)  # fmt: skip
SLICES = pa.schema(
    [
        ("project", _S), ("trace_id", _S), ("thread_id", _S), ("thread_id_source", _S),
        ("start_time_unix_nano", _I), ("end_time_unix_nano", _I), ("received_unix_nano", _I),
        ("created_unix_nano", _I), ("span_count", _I), ("error_count", _I), ("call_count", _I),
        *_ABOUT, *_SPENT,
    ]
)  # fmt: skip
CALLS = pa.schema(
    [
        ("project", _S), ("thread_id", _S), ("trace_id", _S), ("span_id", _S), ("name", _S),
        ("start_time", _T), ("start_time_unix_nano", _I), ("end_time_unix_nano", _I),
        ("duration_ms", _D), ("request_model", _S), ("response_model", _S), ("provider", _S),
        ("response_id", _S), ("finish_reasons", _L),
        *(field for field in _SPENT[2:8]), ("cost_usd", _D), ("cost_source", _S),
        ("time_to_first_token_ms", _D), ("error_type", _S), ("error_message", _S),
    ]
)  # fmt: skip
PARTS = pa.schema(
    [
        ("project", _S), ("thread_id", _S), ("trace_id", _S), ("part_index", _I),
        ("start_time_unix_nano", _I), ("payload", _S),
    ]
)  # fmt: skip
TURNS = pa.schema(
    [
        ("project", _S), ("thread_id", _S), ("turn_index", _I), ("trace_id", _S), ("trace_ids", _L),
        ("span_id", _S), ("name", _S), *_TIMES, ("time_to_first_token_ms", _D), ("user", _S),
        ("assistant", _S), ("system", _S), ("error_type", _S), ("error_message", _S),
        ("has_error", _B), ("tool_calls", _S), ("call_count", _I), ("span_count", _I),
        ("message_count", _I), *_SPENT,
    ]
)  # fmt: skip
MESSAGES = pa.schema(
    [
        ("project", _S), ("thread_id", _S), ("trace_id", _S), ("turn_index", _I),
        ("message_index", _I), ("start_time_unix_nano", _I), ("span_id", _S), ("role", _S),
        ("text", _S), ("parts", _S), ("tool_calls", _S), ("tool_call_id", _S),
    ]
)  # fmt: skip
