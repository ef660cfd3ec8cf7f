"""Rows of external SQL as JSON, CSV or an Arrow stream, block by block."""

import csv
import datetime
import decimal
import io
import math
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from otel_threads.core.errors import InvalidQuery

JSON_BYTES_MAX = 64 << 20  # of one answer, which the server holds whole until its end is known
SLICE_BYTES_MAX = 2 << 20  # of Arrow data that become Python's objects at once: ten times as much
_OPTIONS = orjson.OPT_NON_STR_KEYS


@dataclass(frozen=True, slots=True)
class Found:
    """What a query found: names and DuckDB types of its columns, and its rows in batches."""

    columns: Sequence[tuple[str, str]]
    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]


def encode(found: Found, format: str, *, rows_max: int | None) -> Iterator[bytes]:
    """Yield the blocks of an answer. JSON is cut at `rows_max` and at `JSON_BYTES_MAX`.

    JSON is `{columns: [{name, type}], rows: [[…]], truncated}`; CSV has a header line; Arrow is an
    IPC stream. What `found.batches` raises ends CSV and Arrow; JSON with rows then is truncated.
    """
    match format:
        case "csv":
            return _csv(found)
        case "arrow":
            return _arrow(found)
        case _:
            return _json(found, rows_max)


def _json(found: Found, rows_max: int | None) -> Iterator[bytes]:
    columns = [{"name": name, "type": kind} for name, kind in found.columns]
    yield b'{"columns":' + orjson.dumps(columns) + b',"rows":['
    count = taken_bytes = 0
    truncated = False
    try:
        for rows in _slices(found.batches):
            kept = rows if rows_max is None else rows[: rows_max - count]
            if kept:
                block = orjson.dumps(kept, option=_OPTIONS)[1:-1]
                yield b"," + block if count else block
                count += len(kept)
                taken_bytes += len(block)
            if len(kept) < len(rows) or taken_bytes > JSON_BYTES_MAX:
                truncated = True
                break
    except InvalidQuery:
        if not count:
            raise
        truncated = True
    yield b'],"truncated":' + (b"true}" if truncated else b"false}")


def _csv(found: Found) -> Iterator[bytes]:
    yield _lines([[name for name, _ in found.columns]])
    for rows in _slices(found.batches):
        yield _lines([[_cell(value) for value in row] for row in rows])


def _lines(rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    write_csv(text, rows)
    return text.getvalue().encode("utf-8", "replace")


def write_csv(file: Any, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as CSV, a newline after each.

    Python quotes a carriage return only where that ends rows, and reads one as the end of a row.
    """
    plain_rows = csv.writer(file, lineterminator="\n")
    quoted_rows = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        has_return = any(isinstance(cell, str) and "\r" in cell for cell in row)
        (quoted_rows if has_return else plain_rows).writerow(row)


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return orjson.dumps(value, option=_OPTIONS).decode()
    return str(value).lower() if isinstance(value, bool) else value


def _arrow(found: Found) -> Iterator[bytes]:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, found.schema) as writer:
        yield _taken(sink)
        for batch in found.batches:
            writer.write_batch(batch)
            yield _taken(sink)
    yield _taken(sink)


def _taken(sink: io.BytesIO) -> bytes:
    block = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return block


def _slices(batches: Iterable[pa.RecordBatch]) -> Iterator[list[list[Any]]]:
    for batch in batches:
        step = max(1, batch.num_rows * SLICE_BYTES_MAX // max(batch.nbytes, 1))
        for start in range(0, batch.num_rows, step):
            yield _rows(batch.slice(start, step))


def _rows(batch: pa.RecordBatch) -> list[list[Any]]:
    """Return the rows as JSON has them; columns may share a name."""
    columns = [
        [plain(value) for value in column.to_pylist(maps_as_pydicts="lossy")]
        for column in batch.columns
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def plain(value: Any) -> Any:
    """Return a value as JSON has it: times RFC 3339, bytes hex, what is no number null."""
    match value:
        case None | bool() | str():
            return value
        case int():
            # JSON readers lose digits beyond 64 bits.
            return value if -(1 << 63) <= value < 1 << 64 else str(value)
        case float():
            return value if math.isfinite(value) else None
        case decimal.Decimal():
            return plain(int(value)) if value == value.to_integral_value() else float(value)
        case datetime.datetime():
            return value.isoformat().replace("+00:00", "Z")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return value.total_seconds()
        case bytes():
            return value.hex()
        case uuid.UUID():
            return str(value)
        case list() | tuple():
            return [plain(one) for one in value]
        case dict():
            return {str(key): plain(one) for key, one in value.items()}
        case _:
            return str(value)
