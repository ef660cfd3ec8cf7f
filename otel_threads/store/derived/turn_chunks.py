"""Long values of turns and messages: rows keep their beginning, the whole is in chunks.

DuckDB takes 2,048 rows of a column at once, and a checkpoint that finds no memory for them
invalidates the database (decode/chunks.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from otel_threads.database import sql_files
from otel_threads.database.arrow import register, table_of, unregister
from otel_threads.decode.chunks import CHUNK_BYTES_MAX, cut
from otel_threads.store.derived.payloads import json, shortened

OF_TURNS = ("user", "assistant", "system", "error_message", "tool_calls")
OF_MESSAGES = ("text", "parts", "tool_calls")
WHOLE = {*OF_TURNS, *OF_MESSAGES, "payload", "value"}  # columns that are not cut: chunks hold all
JSON = ("parts", "tool_calls")  # lists
INNER_LENGTHS_MAX = (1024, 64)  # of the texts in JSON; the second where the first is too much
KEY = ("project", "thread_id", "trace_id", "turn_index")
TURN_CHUNKS_SQL = sql_files.query("turn_chunks")
Row = dict[str, Any]
Place = tuple[Any, ...]  # of a value: KEY, and the index of its message


def split_out(turns: Sequence[Row], messages: Sequence[Row]) -> list[Row]:
    """Shorten long values in the rows of turns and messages; return the rows that hold them."""
    found: list[Row] = []
    for rows, names in ((turns, OF_TURNS), (messages, OF_MESSAGES)):
        for row in rows:
            row["is_cut"] = None
            for name in names:
                value = row[name]
                if value is None or len(value) <= CHUNK_BYTES_MAX // 4:  # four bytes a character
                    continue
                chunks = cut(value)
                if len(chunks) == 1:
                    continue
                row["is_cut"] = True
                row[name] = (
                    _shorter_list(value)
                    if name in JSON
                    else f"{chunks[0]}[… {len(value)} characters, whole in turn_pieces]"
                )
                found += _chunks(row, name, chunks)
    return found


def fill(cursor: duckdb.DuckDBPyConnection, turns: Sequence[Row]) -> None:
    """Put whole values back into turns that were read, and into their `messages`."""
    rows = {
        (*(turn[name] for name in KEY), row.get("message_index")): row
        for turn in turns
        for row in (turn, *turn["messages"])
        if row.pop("is_cut")
    }
    if not rows:
        return
    for (place, name), chunks in _read_chunks(cursor, rows).items():
        if place in rows:
            rows[place][name] = "".join(chunks[i] for i in sorted(chunks))


def _read_chunks(
    cursor: duckdb.DuckDBPyConnection, rows: Mapping[Place, Row]
) -> dict[tuple[Place, str], dict[int, str]]:
    """Return the chunks of values of some turns, by place and column, then by their index."""
    starts = [row["start_time_unix_nano"] for row in rows.values()]
    columns = list(zip(*rows, strict=True))
    types = (pa.string(), pa.string(), pa.string(), pa.int64())
    arrays = map(pa.array, columns[: len(KEY)], types)
    register(cursor, "cut_turns", pa.table(dict(zip(KEY, arrays, strict=True))))
    bounds = {"first": min(starts), "last": max(starts)}
    found: dict[tuple[Place, str], dict[int, str]] = {}
    for chunk in table_of(cursor.execute(TURN_CHUNKS_SQL, bounds)).to_pylist():
        place = (*(chunk[name] for name in KEY), chunk["message_index"])
        found.setdefault((place, chunk["name"]), {})[chunk["chunk_index"]] = chunk["value"]
    unregister(cursor, "cut_turns")
    return found


def _chunks(row: Row, name: str, chunks: Sequence[str]) -> Iterator[Row]:
    for i, chunk in enumerate(chunks):
        yield {
            **{column: row[column] for column in KEY},
            "message_index": row.get("message_index"),
            "start_time_unix_nano": row["start_time_unix_nano"],
            "name": name,
            "chunk_index": i,
            "value": chunk,
        }


def _shorter_list(value: str) -> str:
    """Return a JSON list within CHUNK_BYTES_MAX: shorter texts, then fewer items."""
    items = orjson.loads(value)
    made: list[str] = []
    for length_max in INNER_LENGTHS_MAX:
        made = [
            json(shortened(item, length_max, length_max, whole_in="turn_pieces")) for item in items
        ]
        if sum(len(one.encode()) + 1 for one in made) < CHUNK_BYTES_MAX:
            break
    kept, size = [], 1
    for one in made:
        size += len(one.encode()) + 1
        if size > CHUNK_BYTES_MAX:
            break
        kept.append(one)
    return f"[{','.join(kept)}]"
