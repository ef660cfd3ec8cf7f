"""What all records of one id add up to, and the span that it is. Pure.

Any order, split and repetition of the same records gives the same result. Two patches of one field
are the exception: a patch carries no time, so the one that arrived last counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from otel_threads import unix_nano
from otel_threads.core import record as names
from otel_threads.core.record import (
    FoldedRecord,
    Record,
    RecordError,
    RecordRules,
    SpanHead,
    StoredRecord,
)
from otel_threads.json_texts import NotJson, json_fields

FIELDS_MAX = 1000  # of one record; SDKs have thirty. What is beyond is kept in its body alone


class _Read(NamedTuple):
    """A record with its given fields."""

    stored: StoredRecord
    fields: dict[str, str]


def fold(rows: Iterable[StoredRecord], rules: RecordRules) -> FoldedRecord | None:
    """Return what records of one id add up to; None when the last of them is a deletion.

    The puts count in the order of their stamps, and each patch more than any put: a patch carries
    no time. What came before a deletion counts no more.
    """
    counting = _since_deletion(rows)
    if not counting:
        return None
    told = [_Read(row, _given(row.record.body)) for row in counting]
    puts = sorted((one for one in told if one.stored.record.op == "put"), key=_weight)
    patches = [one for one in told if one.stored.record.op == "patch"]
    whole = _joined_fields([*puts, *patches], patches, rules)
    first, last = counting[0], counting[-1]
    traces = (one.stored.record.trace_record_id for one in (*reversed(puts), *patches))
    return FoldedRecord(
        vendor=first.record.vendor,
        entity=first.record.entity,
        record_id=first.record.record_id,
        trace_record_id=_first(traces),
        project=_first(one.stored.record.project for one in (*puts, *patches)),
        fields=whole,
        sequence=last.sequence,
        created_sequence=first.sequence,
        joined_sequence=_joined(told, whole, rules),
        created_unix_nano=min(row.received_unix_nano for row in counting),
        updated_unix_nano=max(row.received_unix_nano for row in counting),
    )


def _joined_fields(
    ordered: Sequence[_Read], patches: Sequence[_Read], rules: RecordRules
) -> dict[str, str]:
    fields: dict[str, str] = {}
    for one in ordered:
        for name, text in one.fields.items():
            if name in fields or len(fields) < FIELDS_MAX:
                fields[name] = rules.joined(name, fields.get(name), text)
    return dict(rules.finished(fields, [one.fields for one in patches]))


def _since_deletion(rows: Iterable[StoredRecord]) -> list[StoredRecord]:
    ordered = sorted(rows, key=lambda row: (row.sequence, row.place))
    for i in range(len(ordered) - 1, -1, -1):
        if ordered[i].record.op == "delete":
            return ordered[i + 1 :]
    return ordered


def _weight(one: _Read) -> tuple[int, int, int, int]:
    """Order puts: by the sender's clock; of one moment the fuller one counts more."""
    stamp = one.stored.record.stamp_unix_nano
    return (
        -1 if stamp is None else stamp,
        len(one.fields),
        one.stored.sequence,
        one.stored.place,
    )


def _given(body: str) -> dict[str, str]:
    return {name: text for name, text in fields_of(body).items() if text != "null"}


def fields_of(body: str) -> Mapping[str, str]:
    """Return the fields of a JSON object as `json_fields` does; none of what is no object."""
    try:
        return json_fields(body)
    except NotJson:
        return {}


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)


def _joined(told: Sequence[_Read], whole: Mapping[str, str], rules: RecordRules) -> int | None:
    """Return the commit that first told the thread which the record has now; None without one."""
    thread_id = rules.thread_id(whole)
    if thread_id is None:
        return None
    sequences = (one.stored.sequence for one in told if rules.thread_id(one.fields) == thread_id)
    return next(sequences, told[-1].stored.sequence)


def spans_request(
    folded: Sequence[tuple[FoldedRecord, SpanHead]],
) -> ExportTraceServiceRequest:
    """Return folded records as the OTLP request that would store them, a scope a vendor.

    The order is kept within a scope. Their project, receipt and commit are not in it.
    """
    request = ExportTraceServiceRequest()
    scopes: dict[str, ScopeSpans] = {}
    resource = request.resource_spans.add()
    for one, head in folded:
        scope = scopes.get(head.scope_name)
        if scope is None:
            scope = scopes[head.scope_name] = resource.scope_spans.add()
            scope.scope.name = head.scope_name
        _write(scope.spans.add(), one, head)
    return request


def _write(span: ProtoSpan, one: FoldedRecord, head: SpanHead) -> None:
    span.trace_id = bytes.fromhex(head.trace_id)
    span.span_id = bytes.fromhex(head.span_id)
    if head.parent_span_id:
        span.parent_span_id = bytes.fromhex(head.parent_span_id)
    span.name = _text(head.name)
    span.kind = ProtoSpan.SPAN_KIND_INTERNAL
    start = one.created_unix_nano if head.start_unix_nano is None else head.start_unix_nano
    span.start_time_unix_nano = _time(start)
    span.end_time_unix_nano = _time(start if head.end_unix_nano is None else head.end_unix_nano)
    for name, text in _texts(one).items():
        if text is not None:
            span.attributes.add(key=name).value.string_value = text
    for name, number in _numbers(one).items():
        if number is not None:
            span.attributes.add(key=name).value.int_value = number
    if head.end_unix_nano is None:
        span.attributes.add(key=names.IN_PROGRESS).value.bool_value = True
    if head.error:
        _write_error(span, head.error)


def _texts(one: FoldedRecord) -> dict[str, str | None]:
    return {
        names.VENDOR: one.vendor,
        names.ENTITY: one.entity,
        names.ID: one.record_id,
        names.TRACE_ID: one.trace_record_id,
        **{names.field(name): one.fields[name] for name in sorted(one.fields)},
    }


def _numbers(one: FoldedRecord) -> dict[str, int | None]:
    return {
        names.CREATED: one.created_unix_nano,
        names.UPDATED: one.updated_unix_nano,
        names.CREATED_SEQUENCE: one.created_sequence,
        names.JOINED_SEQUENCE: one.joined_sequence,
    }


def _write_error(span: ProtoSpan, error: RecordError) -> None:
    span.status.code = Status.STATUS_CODE_ERROR
    span.status.message = _text(error.message or "")
    event = span.events.add(name="exception", time_unix_nano=span.end_time_unix_nano)
    told = {
        "exception.type": error.type,
        "exception.message": error.message,
        "exception.stacktrace": error.stacktrace,
    }
    for name, text in told.items():
        if text:
            event.attributes.add(key=name).value.string_value = _text(text)


def _text(text: str) -> str:
    """Return a text that UTF-8 can hold: JSON's escapes may make half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode()


def _time(nanos: int) -> int:
    return min(max(nanos, 0), unix_nano.MAX)


def group(rows: Iterable[StoredRecord]) -> dict[tuple[str, str, str], list[StoredRecord]]:
    """Return records by what they are of: vendor, entity and id."""
    found: dict[tuple[str, str, str], list[StoredRecord]] = {}
    for row in rows:
        one: Record = row.record
        found.setdefault((one.vendor, one.entity, one.record_id), []).append(row)
    return found
