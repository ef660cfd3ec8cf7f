"""SQL from outside as JSON, CSV or an Arrow stream."""

import csv
import datetime
import decimal
import io
import math
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
import pyarrow as pa

from otel_threads.errors import InvalidQuery
from otel_threads.store.outside import Outside, Params
from otel_threads.store.outside import Question as Question

MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "arrow": "application/vnd.apache.arrow.stream",
}
JSON_BYTES_MAX = 64 << 20  # of Arrow data behind one JSON answer, which is held whole


class SqlService:
    """Answers of `POST /sql`."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside

    def answer(
        self, question: Question, sql: str, params: Params, format: str, rows_max: int | None
    ) -> Iterator[bytes]:
        """Run a query up to its first rows; return the pieces of the answer.

        JSON is one piece: `{columns: [{name, type}], rows: [[…]], truncated}`, cut at `rows_max`.
        CSV has a header line; Arrow is an IPC stream. Both end with an error, not short, when
        there are more rows than sql_rows_max.

        Raises:
            InvalidQuery, QueryTimeout, Unavailable: as `Outside.ask`; later from the iterator too.
        """
        self.outside.ask(question, sql, params)
        match format:
            case "csv":
                return _csv(question)
            case "arrow":
                return _arrow(question)
            case _:
                return iter([_json(question, rows_max)])


def _json(question: Question, rows_max: int | None) -> bytes:
    rows: list[list[Any]] = []
    taken_bytes = 0
    truncated = False
    try:
        for batch in question.batches():
            rows += _rows(batch)
            taken_bytes += batch.nbytes
            if (rows_max is not None and len(rows) > rows_max) or taken_bytes > JSON_BYTES_MAX:
                truncated = True
                break
    except InvalidQuery:
        if not rows:
            raise
        truncated = True
    columns = [{"name": name, "type": kind} for name, kind in question.columns]
    return orjson.dumps(
        {"columns": columns, "rows": rows[:rows_max], "truncated": truncated}, option=_OPTIONS
    )


_OPTIONS = orjson.OPT_NON_STR_KEYS


def _csv(question: Question) -> Iterator[bytes]:
    yield _lines([[name for name, _ in question.columns]])
    for batch in question.batches():
        yield _lines([[_cell(value) for value in row] for row in _rows(batch)])


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


def _arrow(question: Question) -> Iterator[bytes]:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, question.schema) as writer:
        yield _taken(sink)
        for batch in question.batches():
            writer.write_batch(batch)
            yield _taken(sink)
    yield _taken(sink)


def _taken(sink: io.BytesIO) -> bytes:
    piece = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return piece


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
