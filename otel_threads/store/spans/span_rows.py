"""Spans on their way back out: from columns to the objects that the deriver reads."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from otel_threads.core import record
from otel_threads.core.model import Event, LogRecord, Origin, Span
from otel_threads.decode import values
from otel_threads.decode.attributes import ENTRIES_MAX, MORE
from otel_threads.store.spans.content import Key, UnjoinedContent

# Of work_spans.sql, but its attributes.
COLUMNS = (
    "project",
    "trace_id",
    "span_id",
    "parent_span_id",
    "name",
    "start_time_unix_nano",
    "end_time_unix_nano",
    "status_code",
    "status_message",
    "service_name",
    "scope_name",
    "scope_version",
    "attribute_types",
    "resource_conversation_id",
    "resource_environment",
    "resource_language",
    "dropped_attributes_count",
    "received_unix_nano",
    "ingest_seq",
    "record_id",
)
# Those that hold the same few texts again and again.
FEW = (
    "project",
    "name",
    "status_code",
    "status_message",
    "service_name",
    "scope_name",
    "scope_version",
    "attribute_types",
    "resource_conversation_id",
    "resource_environment",
    "resource_language",
)


class EventRow(NamedTuple):
    """An event as it is stored, its long values apart."""

    event_index: int
    name: str
    time_unix_nano: int
    types: str
    attributes: dict[str, Any]


LETTERS_MAX = 200  # a hostile sender's rows of letters are not remembered


def trace_key(trace_id: str) -> int:
    """Return the first 60 bits of a trace id, by which its row is found; -1 for no id at all."""
    try:
        return int(trace_id[:15], 16)
    except ValueError:
        return -1


def spans_by_trace(
    table: pa.Table, content: UnjoinedContent, events: Mapping[Key, list[EventRow]]
) -> Iterator[list[Span]]:
    """Yield the spans of each trace of work_spans.sql, in the order of their rows.

    Long values are joined as a trace is asked for.
    """
    columns = (
        _shared(table.column(name)) if name in FEW else table.column(name).to_pylist()
        for name in COLUMNS
    )
    traces: dict[str, list[tuple[Any, ...]]] = {}
    for row in zip(*columns, _maps(table.column("attributes")), strict=True):
        traces.setdefault(row[1], []).append(row)
    del table, columns
    for trace_id in [*traces]:  # what was read goes as it is asked for: less at once
        yield [_span(row, content, events) for row in traces.pop(trace_id)]


def _span(
    row: tuple[Any, ...], content: UnjoinedContent, events: Mapping[Key, list[EventRow]]
) -> Span:
    (
        project,
        trace_id,
        span_id,
        parent_span_id,
        name,
        start,
        end,
        status_code,
        status_message,
        service_name,
        scope_name,
        scope_version,
        types,
        conversation_id,
        environment,
        language,
        dropped,
        received,
        sequence,
        record_id,
        own,
    ) = row
    key = (project, trace_id, span_id)
    long = content.take(key)
    span = Span(
        project=project,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_span_id,
        name=name,
        start_unix_nano=start,
        end_unix_nano=end,
        status_code=status_code,
        status_message=status_message,
        service_name=service_name,
        scope_name=scope_name,
        scope_version=scope_version,
        attributes=_typed(own, types, [(k, text) for index, k, text in long if index is None]),
        resource=_resource(conversation_id, environment, language),
        events=[_event(one, long) for one in events[key]] if key in events else (),
        received_unix_nano=received,
        sequence=sequence,
        dropped_attributes_count=dropped or 0,
    )
    if record_id is not None:
        span.origin = _origin(span, record_id)
    return span


def _origin(span: Span, record_id: str) -> Origin:
    """Return what record of an SDK a span was folded from.

    A sender of OTLP may write the same attributes: it has no record, and they mean nothing there.
    """
    told = span.attributes
    return Origin(
        record_id=record_id,
        created_unix_nano=told.get(record.CREATED, span.received_unix_nano),
        created_sequence=told.get(record.CREATED_SEQUENCE, span.sequence),
        joined_sequence=told.get(record.JOINED_SEQUENCE),
    )


def _resource(
    conversation_id: str | None, environment: str | None, language: str | None
) -> dict[str, str]:
    """Return what the deriver reads of a resource."""
    found = {}
    if conversation_id:
        found["gen_ai.conversation.id"] = conversation_id
    if language == "webjs":  # a browser's session is no conversation
        found["telemetry.sdk.language"] = language
    if environment:
        found["deployment.environment.name"] = environment
    return found


def events_by_span(table: pa.Table) -> dict[Key, list[EventRow]]:
    """Return events by span, in their order, without their long values."""
    found: dict[Key, list[EventRow]] = {}
    if not table.num_rows:
        return found
    names = (
        "project",
        "trace_id",
        "span_id",
        "event_index",
        "name",
        "time_unix_nano",
        "attribute_types",
    )
    plain = (table.column(name).to_pylist() for name in names)
    for project, trace_id, span_id, *told in zip(
        *plain, _maps(table.column("attributes")), strict=True
    ):
        found.setdefault((project, trace_id, span_id), []).append(EventRow(*told))
    return found


def _event(row: EventRow, long: Sequence[tuple[int | None, str, str]]) -> Event:
    own = [(key, text) for index, key, text in long if index == row.event_index]
    return Event(
        name=row.name,
        time_unix_nano=row.time_unix_nano,
        attributes=_typed(row.attributes, row.types, own),
    )


def fill_logs(logs: Sequence[dict[str, Any]], chunks: Sequence[Mapping[str, Any]]) -> None:
    """Put what was too long for rows of log_records back into them. `chunks`: of x_log_chunks."""
    cut: dict[tuple[str, str], dict[str | None, list[tuple[int, str]]]] = {}
    for chunk in chunks:
        of_log = cut.setdefault((chunk["project"], chunk["fingerprint"]), {})
        of_log.setdefault(chunk["key"], []).append((chunk["chunk_index"], chunk["value"]))
    for row in logs if cut else ():
        for key, some in cut.get((row["project"], row["fingerprint"]), {}).items():
            whole = "".join(value for _, value in sorted(some))
            if key is None:
                row["body"] = whole
            else:
                row["attributes"] = {**dict(row["attributes"]), key: whole}


def log_records(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[LogRecord]]:
    """Return log records by (trace_id, span_id), in the order of the rows."""
    found: dict[tuple[str, str], list[LogRecord]] = {}
    for row in rows:
        found.setdefault((row["trace_id"], row["span_id"]), []).append(
            LogRecord(
                project=row["project"],
                event_name=row["event_name"],
                time_unix_nano=row["time_unix_nano"],
                body=_value(row["body"], row["body_type"]),
                attributes=_typed(dict(row["attributes"]), row["attribute_types"], ()),
            )
        )
    return found


def _maps(column: pa.ChunkedArray) -> list[dict[str, str | None]]:
    """Return each map of a column, in its order; keys that are equal are one object."""
    found: list[dict[str, str | None]] = []
    for chunk in column.chunks:
        keys, texts = _shared(chunk.keys), chunk.items.to_pylist()
        offsets = chunk.offsets.to_pylist()
        found += [
            dict(zip(keys[a:b], texts[a:b], strict=True)) for a, b in itertools.pairwise(offsets)
        ]
    return found


def _shared(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Return the texts of a column as Python's, one object for those that are equal."""
    found: list[Any] = []
    encoded = column.dictionary_encode()
    for chunk in encoded.chunks if isinstance(encoded, pa.ChunkedArray) else (encoded,):
        texts = [*chunk.dictionary.to_pylist(), None]
        places = chunk.indices.fill_null(len(texts) - 1).to_pylist()
        found += [texts[place] for place in places]
    return found


def _typed(own: dict[str, Any], types: str, long: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return attributes as Python values, with the long ones in their places; `own` is changed."""
    if len(own) >= ENTRIES_MAX:
        pairs, types = with_more([*own.items()], types, dict(long))
        own = dict(pairs)
        long = [(key, value) for key, value in long if key != MORE]
    names = [*own]
    if long:
        own.update(long)
    for place in (_not_texts if len(types) <= LETTERS_MAX else _not_texts.__wrapped__)(types):
        key = names[place]
        value = values.python(own[key], types[place])
        if value is None:
            del own[key]
        else:
            own[key] = value
    return own


@lru_cache(4096)
def _not_texts(types: str) -> tuple[int, ...]:
    """Return which attributes are not texts; a library has few such rows of letters."""
    return tuple(i for i, letter in enumerate(types) if letter != "s")


def with_more(
    pairs: Sequence[tuple[str, str | None]], types: str, apart: Mapping[str, str]
) -> tuple[Sequence[tuple[str, str | None]], str]:
    """Return attributes and their letters, also those that were too many for the map."""
    if len(pairs) < ENTRIES_MAX or MORE not in apart or MORE in dict(pairs):
        return pairs, types
    more: dict[str, tuple[str | None, str]] = orjson.loads(apart[MORE])
    beyond = [(key, text) for key, (text, _) in more.items()]
    return [*pairs, *beyond], types + "".join(letter for _, letter in more.values())


def _value(text: str | None, letter: str) -> Any:
    return text if letter == "s" else values.python(text, letter)
