"""Rows that the deriver makes, on their way into their tables.

What follows from other columns of the same row is worked out here, on whole columns at once.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from otel_threads.core.trace_rows import TraceRow, TurnRow
from otel_threads.database.arrow import register, unregister
from otel_threads.decode.chunks import beginnings
from otel_threads.store.derived import payloads, turn_chunks
from otel_threads.store.spans.span_rows import trace_key

WORDS_LENGTH_MAX = 10_000  # of first_message and last_message, which every list shows
SAME_AS_TURN = ("project", "thread_id", "trace_id", "turn_index", "start_time_unix_nano")
Row = dict[str, Any]
Pause = Callable[[], None]
Columns = Mapping[str, Sequence[Any]]


def insert(
    cursor: duckdb.DuckDBPyConnection,
    pause: Pause,
    table: str,
    rows: Sequence[Mapping[str, Any]],
    schema: pa.Schema,
) -> None:
    """Append rows to a table, which has the columns of the schema. `pause` is called in between."""
    if not rows:
        return
    told = [name for name in schema.names if name not in FOLLOWING]
    columns = dict(zip(told, zip(*map(operator.itemgetter(*told), rows), strict=True), strict=True))
    arrays = []
    for field in schema:
        pause()
        if field.name in FOLLOWING:
            array = FOLLOWING[field.name](columns, rows)
        else:
            array = pa.array(columns[field.name], field.type)
        arrays.append(array if field.name in turn_chunks.WHOLE else beginnings(array))
    pause()
    rows_once = pa.Table.from_arrays(arrays, schema=schema).__arrow_c_stream__()
    del arrays, array, columns  # less at once
    register(cursor, "derived_rows", rows_once)
    cursor.execute(f"insert into {table} by name select * from derived_rows")  # noqa: S608  # our names
    unregister(cursor, "derived_rows")


def _timestamps(unix_nano: Sequence[int]) -> pa.Array:
    micros = pc.divide(pa.array(unix_nano, pa.int64()), 1000)
    return micros.cast(pa.timestamp("us", tz="UTC"))


def _duration_ms(columns: Columns, _: Sequence[Mapping[str, Any]]) -> pa.Array:
    first, last = columns["start_time_unix_nano"], columns["end_time_unix_nano"]
    taken = pc.subtract(pa.array(last, pa.int64()), pa.array(first, pa.int64()))
    return pa.array(taken.to_numpy() / 1e6)  # a cast refuses what a float only rounds


# A column that follows from others → how, of the other columns and the whole rows.
FOLLOWING: Mapping[str, Callable[[Columns, Sequence[Mapping[str, Any]]], pa.Array]] = {
    "start_time": lambda columns, _: _timestamps(columns["start_time_unix_nano"]),
    "end_time": lambda columns, _: _timestamps(columns["end_time_unix_nano"]),
    "duration_ms": _duration_ms,
    "created_at": lambda _, rows: _timestamps([row["created_unix_nano"] for row in rows]),
    "updated_at": lambda _, rows: _timestamps([row["received_unix_nano"] for row in rows]),
    "trace_key": lambda columns, _: pa.array(map(trace_key, columns["trace_id"]), pa.int64()),
}


def words(text: str | None) -> str | None:
    """Return a text as long as lists show it; None for an empty one."""
    return text[:WORDS_LENGTH_MAX] if text else None


def of_trace(trace: TraceRow) -> TraceRow:
    """Return the row of a trace, which is changed to it."""
    trace["first_message"] = words(trace["first_message"])
    trace["last_message"] = words(trace["last_message"])
    return trace


def of_turn(turn: TurnRow) -> Row:
    """Return the columns of a turn, into which its row is changed."""
    error, calls = turn["error"], turn["tool_calls"]
    columns = cast(Row, turn)
    columns["has_error"] = error is not None
    columns["error_type"] = error["type"] if error else None
    columns["error_message"] = error["message"] if error else None
    columns["tool_calls"] = payloads.json(calls) if calls else "[]"
    columns["message_count"] = len(turn["messages"])
    return columns


def of_messages(turn: TurnRow) -> list[Row]:
    """Return the rows of a turn's messages."""
    about = {name: cast(Row, turn)[name] for name in SAME_AS_TURN}
    return [
        {
            **about,
            "message_index": i,
            "span_id": message["span_id"],
            "role": message["role"],
            "text": message["text"],
            "parts": payloads.json(message["parts"]) if "parts" in message else None,
            "tool_calls": payloads.json(calls) if (calls := message.get("tool_calls")) else None,
            "tool_call_id": message.get("tool_call_id"),
        }
        for i, message in enumerate(turn["messages"])
    ]
