"""Threads as files: one page after another, so that memory does not grow with the answer."""

import base64
import csv
import dataclasses
import datetime
import io
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, Unpack

import orjson
import pyarrow as pa
from google.protobuf import json_format

from otel_threads.core.errors import InvalidQuery
from otel_threads.core.fields import exported
from otel_threads.core.thread import Thread
from otel_threads.core.usage import USAGE
from otel_threads.services import transcript
from otel_threads.services.export_slots import Export, ExportSlots
from otel_threads.services.threads import ThreadService, WhichThreads
from otel_threads.store.read.list_query import Selection
from otel_threads.store.read.reader import Reader

PAGE = 200
MEDIA_TYPES = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "otlp": "application/x-ndjson",
}
SHAPES = ("thread", "openai")
# The columns of CSV and Parquet; tokens, which are no column of their own, stand before the cost.
_FIELDS = {named.name: named for named in exported(Thread)}
_THREAD = tuple(field.name for field in dataclasses.fields(Thread))
_BEFORE_COST = list(_FIELDS).index("cost_usd")
_COLUMNS = (*list(_FIELDS)[:_BEFORE_COST], *USAGE, *list(_FIELDS)[_BEFORE_COST:])
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


class ExportService:
    """Streams of whole selections."""

    def __init__(self, reader: Reader, service: ThreadService) -> None:
        self._reader = reader
        self._service = service
        self._slots = ExportSlots()

    def threads(
        self, *, format: str = "jsonl", shape: str = "thread", **given: Unpack[WhichThreads]
    ) -> Export:
        """Return the blocks of a file with every selected thread, by project and id.

        `jsonl` has a Thread with its `turns` a line, or with shape `openai` a conversation as
        OpenAI's fine-tuning takes it; `csv` and `parquet` a thread a row; `otlp` the OTLP/JSON
        request of one trace a line, which the Collector's file receiver reads.

        Raises:
            InvalidQuery: at once, when the selection, format or shape cannot be.
            Overloaded: EXPORTS_MAX exports run already.
        """
        if format not in MEDIA_TYPES:
            raise InvalidQuery(f"format {format!r} is none of {', '.join(MEDIA_TYPES)}")
        if shape not in SHAPES:
            raise InvalidQuery(f"shape {shape!r} is none of {', '.join(SHAPES)}")
        if shape == "openai" and format != "jsonl":
            raise InvalidQuery("shape openai needs format jsonl")
        pages = self._pages(self._service.select_threads(**given))
        return self._slots.take(self._written(pages, format=format, shape=shape))

    def _written(
        self, pages: Iterator[list[Thread]], *, format: str, shape: str
    ) -> Generator[bytes]:
        if format == "csv":
            return _csv(pages)
        if format == "parquet":
            return _parquet(pages)
        write: Callable[[Sequence[Thread]], Iterator[bytes]] = self._whole
        if format == "otlp":
            write = self._traces
        elif shape == "openai":
            write = self._openai
        return (block for page in pages for block in write(page))

    def _pages(self, selection: Selection) -> Iterator[list[Thread]]:
        after = None
        while True:
            stored = self._reader.threads(selection, sort=None, limit=PAGE, after=after)
            if stored:
                yield self._service.with_annotations(stored)
            if len(stored) < PAGE:
                return
            after = stored[-1].place(None)

    def _whole(self, threads: Sequence[Thread]) -> Iterator[bytes]:
        for thread, turns in self._service.turns_of(threads):
            yield _line({**_fields(thread), "turns": turns})

    def _openai(self, threads: Sequence[Thread]) -> Iterator[bytes]:
        for messages in self._service.transcripts_of(threads):
            yield _line({"messages": transcript.openai(messages)})

    def _traces(self, threads: Sequence[Thread]) -> Iterator[bytes]:
        for thread in threads:
            yield from self._traces_of(thread)

    def _traces_of(self, thread: Thread) -> Iterator[bytes]:
        selection = Selection(project=thread.project, thread_id=thread.thread_id)
        after = None
        while True:
            traces = self._reader.traces(selection, sort=None, limit=PAGE, after=after)
            for trace in traces:
                yield _line(_hex_ids(json_format.MessageToDict(self._reader.otlp(trace))))
            if len(traces) < PAGE:
                return
            after = traces[-1].place(None)


def _fields(thread: Thread) -> dict[str, object]:
    return {name: getattr(thread, name) for name in _THREAD}


def _line(value: Mapping[str, object]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def _hex_ids(tree: Any) -> Any:
    """Write ids as hex: OTLP/JSON does, protobuf's own JSON writes base64."""
    for resource in tree.get("resourceSpans", ()):
        for scope in resource.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                for one in (span, *span.get("links", ())):
                    for name in ("traceId", "spanId", "parentSpanId"):
                        if name in one:
                            one[name] = base64.b64decode(one[name]).hex()
    return tree


def _flat(thread: Thread) -> dict[str, object]:
    """Return the columns of a thread; metadata and scores (their means) as JSON texts."""
    found = {name: getattr(thread, name) for name in _FIELDS}
    found |= {name: getattr(thread.usage, name) for name in USAGE}
    found["metadata"] = orjson.dumps(thread.metadata).decode()
    below = {name: scores.mean for name, scores in thread.turn_scores.items()}
    found["turn_scores"] = orjson.dumps(below).decode()
    found["scores"] = orjson.dumps({score.name: score.value for score in thread.scores}).decode()
    return found


def _csv(pages: Iterator[list[Thread]]) -> Generator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for page in pages:
        for thread in page:
            flat = _flat(thread)
            writer.writerow([_cell(flat[name]) for name in _COLUMNS])
        yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    block = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return block


def _cell(value: object) -> object:
    """Return what a cell holds; words that a spreadsheet would run get a quote before them."""
    if isinstance(value, list):
        value = ", ".join(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


_ARROW: Mapping[Any, pa.DataType] = {
    int: pa.int64(),
    float: pa.float64(),
    float | None: pa.float64(),
    bool: pa.bool_(),
    datetime.datetime: pa.timestamp("us", tz="UTC"),
    list[str]: pa.list_(pa.string()),
}


def _arrow_type(column: str) -> pa.DataType:
    """Return the type of a column; what Parquet has no type for is text."""
    return pa.int64() if column in USAGE else _ARROW.get(_FIELDS[column].type, pa.string())


_PARQUET = pa.schema([(column, _arrow_type(column)) for column in _COLUMNS])


def _parquet(pages: Iterator[list[Thread]]) -> Generator[bytes]:
    import pyarrow.parquet as pq  # here: it brings clients of object stores, 4 MB

    sink = _Blocks()
    with pq.ParquetWriter(sink, _PARQUET, compression="zstd") as writer:
        for page in pages:
            writer.write_table(pa.Table.from_pylist([_flat(one) for one in page], schema=_PARQUET))
            yield from sink.taken()
    yield from sink.taken()


class _Blocks(io.RawIOBase):
    """A file that keeps only what was not taken yet; Parquet is written front to back."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        block = bytes(data)
        self._blocks.append(block)
        self._size += len(block)
        return len(block)

    def tell(self) -> int:
        return self._size

    def taken(self) -> Sequence[bytes]:
        """Return what was written since the last call."""
        blocks, self._blocks = self._blocks, []
        return blocks
