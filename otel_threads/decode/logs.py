"""OTLP log requests into rows: only the records of events that somebody reads.

They are few beside spans, so they are read one by one with the real message classes.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from otel_threads import names, unix_nano
from otel_threads.core.errors import InvalidPayload
from otel_threads.core.model import Outcome, Refusal, Request
from otel_threads.decode import columns, values
from otel_threads.decode.attributes import ENTRIES_MAX
from otel_threads.decode.chunks import CHUNK_BYTES_MAX, beginning, cut
from otel_threads.decode.project_names import NO_NAMES, ProjectNames
from otel_threads.decode.record_spans import NONE, Alone, as_request, event_name

_MAP = pa.map_(pa.string(), pa.string())
_TIME = pa.timestamp("us", tz="UTC")
_CHUNKS = pa.list_(
    pa.struct([("key", pa.string()), ("chunk_index", pa.int32()), ("value", pa.string())])
)
LOGS = pa.schema(
    [
        ("received_at", _TIME),
        ("project", pa.string()),
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("event_name", pa.string()),
        ("time", _TIME),
        ("time_unix_nano", pa.int64()),
        ("observed_time_unix_nano", pa.int64()),
        ("severity_number", pa.int64()),
        ("severity_text", pa.string()),
        ("body", pa.string()),
        ("body_type", pa.string()),
        ("attributes", _MAP),
        ("attribute_types", pa.string()),
        ("dropped_attributes_count", pa.int64()),
        ("flags", pa.int64()),
        ("service_name", pa.string()),
        ("resource_attributes", _MAP),
        ("resource_attribute_types", pa.string()),
        ("scope_name", pa.string()),
        ("scope_version", pa.string()),
        ("fingerprint", pa.string()),
        ("chunks", _CHUNKS),  # of the body (no key) and of attributes, where these are very long
    ]
)
NAME_SHOWN_MAX = 100  # letters of a scope's or an event's name that a person is shown
UNKEPT_SHOWN_MAX = 5  # events that one response names
UNKEPT_NAMES_MAX = 1000  # of scopes and events that are counted each
OWNER = ("project", "trace_id", "span_id", "fingerprint")


def check(payload: bytes) -> None:
    """Return when the bytes are a logs request.

    Raises:
        InvalidPayload: protobuf cannot read them.
    """
    _parse(payload)


def _parse(payload: bytes) -> ExportLogsServiceRequest:
    try:
        return ExportLogsServiceRequest.FromString(payload)
    except DecodeError as error:
        raise InvalidPayload(f"not an ExportLogsServiceRequest: {error}") from None


def decode(
    requests: Sequence[Request],
    *,
    event_names: Sequence[str],
    default_project: str,
    project_names: ProjectNames = NO_NAMES,
    alone: Alone = NONE,
) -> tuple[pa.Table, list[Outcome]]:
    """Return the rows to keep and one outcome a request.

    They have the columns of `log_records`, and `chunks`: see `chunks_of`.

    A record whose event is none of `event_names` (a trailing `*` stands for any ending) and that
    has no GenAI content is accepted and not kept: the outcome's message says so, and `unkept()`
    counts it. Those that stand `alone` are left to `alone_requests`. Ids are optional on records
    (null then); one of a wrong length or all zero rejects its record.

    Raises:
        InvalidPayload: a payload is not a logs request.
    """
    is_read = _Reading(event_names)
    rows: list[dict[str, Any]] = []
    outcomes = []
    for request in requests:
        outcome = Outcome()
        reasons: list[str] = []
        unkept: Counter[tuple[str, str]] = Counter()
        for resource_logs in _parse(request.payload).resource_logs:
            resource = _Resource(resource_logs.resource, request, default_project, project_names)
            for scope_logs in resource_logs.scope_logs:
                scope = scope_logs.scope
                for record in scope_logs.log_records:
                    name = event_name(record)
                    is_alone = alone.id_of(record, name) is not None  # a span: record_spans.py
                    if is_alone or not is_read(record, name):
                        outcome.accepted += 1
                        unkept[_shown(scope.name, name)] += not is_alone
                        continue
                    if refusal := _refusal(record):
                        _refuse(outcome, refusal, reasons)
                        continue
                    outcome.accepted += 1
                    row = _row(record, name, request.received_unix_nano)
                    rows.append(row | resource.columns | _of_scope(scope))
        outcome.message = _message(reasons, +unkept)
        outcomes.append(outcome)
    return pa.Table.from_pylist(rows, schema=LOGS), outcomes


def alone_requests(requests: Sequence[Request], alone: Alone) -> list[Request]:
    """Return trace requests with the records of some that stand alone, as spans.

    Raises:
        InvalidPayload: a payload is not a logs request.
    """
    made = (as_request(request, _parse(request.payload), alone) for request in requests)
    return [request for request in made if request is not None]


def unkept() -> dict[tuple[str, str], int]:
    """Return how many records were not kept since the start, by scope and event name."""
    return dict(_unkept)


def _remember(counts: Mapping[tuple[str, str], int]) -> None:
    """Count records that were not kept; past UNKEPT_NAMES_MAX names, under no name at all."""
    for key, count in counts.items():
        known = key if key in _unkept or len(_unkept) < UNKEPT_NAMES_MAX else ("", "")
        _unkept[known] = _unkept.get(known, 0) + count


_unkept: dict[tuple[str, str], int] = {}  # of this process; the decoder's threads write it


def chunks_of(table: pa.Table) -> pa.Table:
    """Return the rows of `x_log_chunks` of log records: what was too long for their own row."""
    lists = table.column("chunks").combine_chunks()
    rows = pc.list_parent_indices(lists)
    found = table.select(OWNER).take(rows)
    flat = pc.list_flatten(lists)
    for name in ("key", "chunk_index", "value"):
        found = found.append_column(name, pc.struct_field(flat, name))
    return found


class _Reading:
    """Which records somebody reads: of some events, and of any that tell what was said."""

    def __init__(self, event_names: Sequence[str]) -> None:
        self._names = frozenset(event_names)
        self._prefixes = tuple(name[:-1] for name in event_names if name.endswith("*"))

    def __call__(self, record: LogRecord, name: str) -> bool:
        return name in self._names or name.startswith(self._prefixes) or _has_content(record)


def _shown(scope_name: str, event: str) -> tuple[str, str]:
    return beginning(scope_name)[:NAME_SHOWN_MAX], event[:NAME_SHOWN_MAX]


def _of_scope(scope: InstrumentationScope) -> dict[str, Any]:
    return {"scope_name": beginning(scope.name), "scope_version": beginning(scope.version)}


_CONTENT = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt", "gen_ai.completion")
_CONTENT_KEYS = frozenset({"messages", "input", "output", "prompt", "completion", "message"})


def _has_content(record: LogRecord) -> bool:
    """Whether a record of any event tells what was said: by an attribute, or in its body."""
    if any(pair.key.startswith(_CONTENT) for pair in record.attributes):
        return True
    body = record.body
    if body.WhichOneof("value") != "kvlist_value" or not record.span_id:
        return False
    return any(pair.key in _CONTENT_KEYS for pair in body.kvlist_value.values)


def _refuse(outcome: Outcome, refusal: tuple[Refusal, str], reasons: list[str]) -> None:
    why, reason = refusal
    outcome.refused[why] = outcome.refused.get(why, 0) + 1
    reasons.append(reason)


def _message(reasons: Sequence[str], unkept: Mapping[tuple[str, str], int]) -> str:
    told = [*reasons, *_untold(unkept)]
    return "; ".join(list(dict.fromkeys(told))[: columns.MESSAGES_MAX])


def _untold(unkept: Mapping[tuple[str, str], int]) -> list[str]:
    """Return what a sender is told of records that were taken and not kept."""
    if not unkept:
        return []
    _remember(unkept)
    most = sorted(unkept.items(), key=lambda item: (-item[1], item[0]))[:UNKEPT_SHOWN_MAX]
    shown = ", ".join(
        f"{count} of {name or 'no event name'} ({scope or 'no scope'})"
        for (scope, name), count in most
    )
    return [
        f"{sum(unkept.values())} log records accepted and not kept: their events have no GenAI "
        f"content that otel-threads reads: {shown}"
    ]


def _refusal(record: LogRecord) -> tuple[Refusal, str] | None:
    for name, value, length in (("trace_id", record.trace_id, 16), ("span_id", record.span_id, 8)):
        if len(value) not in (0, length):
            reason = f"log record: {name} is {len(value)} bytes, 0 or {length} needed"
            return Refusal.ID, reason
        if value and not any(value):
            return Refusal.ID, f"log record: {name} is all zero"
    if max(record.time_unix_nano, record.observed_time_unix_nano) > unix_nano.MAX:
        return Refusal.TIME, f"log record: its time is after {unix_nano.MAX}"
    return None


class _Resource:
    """The columns that every record of one resource shares."""

    def __init__(
        self,
        resource: Resource,
        request: Request,
        default_project: str,
        project_names: ProjectNames,
    ) -> None:
        whole, letters = _attributes(resource.attributes)
        texts = [(key, text and beginning(text)) for key, text in whole[:ENTRIES_MAX]]
        named = dict(texts)
        self.columns = {
            "project": names.cleaned(
                named.get(columns.PROJECT)
                or request.project
                or next(filter(None, map(named.get, project_names.resources)), None)
                or request.vendor_project
                or default_project
            )
            or default_project,
            "service_name": named.get("service.name") or None,
            "resource_attributes": texts,
            "resource_attribute_types": "".join(
                "s" if text and _is_long(text) else letter  # the beginning of JSON is only a text
                for (_, text), letter in zip(whole[:ENTRIES_MAX], letters, strict=False)
            ),
        }


def _attributes(pairs: Sequence[KeyValue]) -> tuple[list[tuple[str, str | None]], str]:
    last = {beginning(pair.key): pair.value for pair in pairs}
    encoded = {key: values.encode(value) for key, value in last.items()}
    return [(key, text) for key, (text, _) in encoded.items()], "".join(
        letter for _, letter in encoded.values()
    )


def _row(record: LogRecord, name: str, received_unix_nano: int) -> dict[str, Any]:
    body, body_type = values.encode(record.body)
    texts, letters = _attributes(record.attributes)
    beyond = len(texts) - len(texts[:ENTRIES_MAX])
    texts, letters = texts[:ENTRIES_MAX], letters[:ENTRIES_MAX]
    apart: list[dict[str, Any]] = []
    if body is not None and _is_long(body):
        apart, body = _chunks(None, body), None
    for i, (key, text) in enumerate(texts):
        if text is not None and _is_long(text):
            apart += _chunks(key, text)
            texts[i] = (key, None)
    time_unix_nano = record.time_unix_nano or record.observed_time_unix_nano
    return {
        "received_at": received_unix_nano // 1000,
        "trace_id": record.trace_id.hex() or None,
        "span_id": record.span_id.hex() or None,
        "event_name": beginning(name),
        "time": time_unix_nano // 1000,
        "time_unix_nano": time_unix_nano,
        "observed_time_unix_nano": record.observed_time_unix_nano,
        "severity_number": record.severity_number,
        "severity_text": beginning(record.severity_text),
        "body": body,
        "body_type": body_type,
        "attributes": texts,
        "attribute_types": letters,
        "dropped_attributes_count": record.dropped_attributes_count + beyond,
        "flags": record.flags,
        "fingerprint": hashlib.blake2b(
            record.SerializeToString(deterministic=True), digest_size=16
        ).hexdigest(),
        "chunks": apart,
    }


def _is_long(text: str) -> bool:
    if len(text) <= CHUNK_BYTES_MAX // 4:  # at most four bytes a character
        return False
    return len(text) > CHUNK_BYTES_MAX or len(text.encode("utf-8", "replace")) > CHUNK_BYTES_MAX


def _chunks(key: str | None, text: str) -> list[dict[str, Any]]:
    return [{"key": key, "chunk_index": i, "value": chunk} for i, chunk in enumerate(cut(text))]
