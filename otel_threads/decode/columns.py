"""OTLP trace requests into Arrow tables, without a Python object per span.

`ptars` turns wire bytes into one nested Arrow batch (see proto/otel_threads/wire); from there on
it is list offsets, dictionaries and buffers. Only nested attribute values, which are rare, pass
through Python one by one.

tests/decode/slow_reading.py reads the same bytes one object at a time; a property test holds the
two equal.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import ptars
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_threads import names, unix_nano
from otel_threads.core.errors import InvalidPayload
from otel_threads.core.model import Refusal, Request
from otel_threads.decode import chunks, values
from otel_threads.decode.attributes import (
    Attributes,
    Index,
    Mask,
    attributes_of,
    offsets_of,
    own,
    owners,
)
from otel_threads.decode.project_names import NO_NAMES, ProjectNames
from otel_threads.decode.tables import CHILDREN, CONTENT, EMPTY, EVENTS, KEYS, LINKS, SPANS
from otel_threads.wire.v1 import trace_pb2 as wire

# A resource is stored beside each of its spans. One huge resource over many spans would turn a
# small request into gigabytes, so what it grows to has a limit of its own.
EXPANDED_BYTES_MAX = 64 * 1024 * 1024
MESSAGES_MAX = 3  # reasons named in one partial success

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUS_CODES = ("unset", "ok", "error")
PROJECT = "otel_threads.project"

_HEX = np.frombuffer(b"".join(b"%02x" % n for n in range(256)), dtype=np.uint16)
_handler = ptars.HandlerPool([wire.DESCRIPTOR]).get_for_message(
    wire.ExportTraceServiceRequest.DESCRIPTOR
)

# Texts that are no longer than what they are about, or have chunks (value) or a bound of their own.
UNBOUNDED = ("value", "attribute_types", "resource_attribute_types", "extras")
SPAN_EXTRAS = (  # written to `extras` when they are not protobuf's default
    "trace_state",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
)


@dataclass(slots=True)
class Decoded:
    """The rows of several requests, in the order in which they came.

    `tables` has rows for spans, x_content_chunks, span_events and span_links by those names, with
    their columns without `ingest_seq`; the last three end with `span_row`, the row of their span.
    `accepted` and `refused` count per request; `reasons` say why, and what was cut.
    """

    tables: dict[str, pa.Table]
    accepted: list[int]
    refused: list[dict[Refusal, int]]
    reasons: list[list[str]]


def check(payload: bytes) -> None:
    """Return when the bytes are a trace request, apart from what nested values hold.

    Malformed nested values are found by `decode`, span by span.

    Raises:
        InvalidPayload: protobuf cannot read them.
    """
    try:
        wire.ExportTraceServiceRequest.FromString(payload)
    except DecodeError as error:
        raise InvalidPayload(f"not an ExportTraceServiceRequest: {error}") from None


def decode(
    requests: Sequence[Request], *, default_project: str, project_names: ProjectNames = NO_NAMES
) -> Decoded:
    """Return the rows of all requests together. Each payload has passed `check`.

    Raises:
        InvalidPayload: a payload cannot be read after all; nothing was decoded.
    """
    try:
        batch = _handler.list_to_record_batch([request.payload for request in requests])
    except ValueError as error:
        raise InvalidPayload(f"not an ExportTraceServiceRequest: {error}") from None
    return _Decoder(requests, batch, default_project, project_names).decoded()


class _Decoder:
    """Walks one batch from the requests down to the attributes; used once."""

    def __init__(
        self,
        requests: Sequence[Request],
        batch: pa.RecordBatch,
        default_project: str,
        project_names: ProjectNames,
    ) -> None:
        self._requests = requests
        self._default_project = default_project
        self._project_names = project_names
        resources = batch.column(0)
        self._resource = resources.values
        scopes = self._resource.field("scope_spans")
        self._scope = scopes.values
        spans = self._scope.field("spans")
        self._span = spans.values
        self._count = len(self._span)
        self._scope_of = owners(spans)
        self._resource_of_scope = owners(scopes)
        self._resource_of = self._resource_of_scope[self._scope_of]
        self._request_of = owners(resources)[self._resource_of]
        self._reasons: dict[int, tuple[Refusal, str]] = {}  # span → why it is refused
        self._cuts: dict[int, str] = {}  # span → what of it was too long

    def decoded(self) -> Decoded:
        if not self._count:
            count = len(self._requests)
            return Decoded(
                dict(EMPTY), [0] * count, [{} for _ in range(count)], [[] for _ in range(count)]
            )
        attributes = attributes_of(self._span.field("attributes"))
        self._refuse(attributes.bad, lambda owner: [owner])
        self._cuts |= attributes.cut
        ids = self._ids()
        times = self._span_times()
        resource = self._resource_attributes()
        self._check_scopes()
        received = np.array([request.received_unix_nano for request in self._requests])
        columns = {
            "received_at": _timestamps(received[self._request_of]),
            "project": self._projects(attributes, resource),
            **ids,
            **times,
            **self._own_fields(),
            "attributes": attributes.map,
            "attribute_types": attributes.types,
            **self._origin(resource),
            "extras": self._extras(),
        }
        events, event_content = self._events(columns)
        tables = {
            "spans": pa.table(columns, schema=SPANS),
            "x_content_chunks": pa.concat_tables(
                [_content(attributes, None, columns, attributes.long_owner), event_content]
            ),
            "span_events": events,
            "span_links": self._links(columns),
        }
        return self._keep_good(self._bounded(tables))

    def _ids(self) -> dict[str, pa.Array]:
        """Return the ids as text; spans with wrong ones are refused."""
        trace_ids, span_ids, parents = (
            self._span.field(name) for name in ("trace_id", "span_id", "parent_span_id")
        )
        self._check_ids("trace_id", trace_ids, 16)
        self._check_ids("span_id", span_ids, 8)
        self._check_parents(parents)
        return {
            "trace_id": _hex(trace_ids),
            "span_id": _hex(span_ids),
            "parent_span_id": _parents(parents),
        }

    def _span_times(self) -> dict[str, pa.Array]:
        """Return start, end and length; spans with wrong ones are refused."""
        starts, ends = (
            self._times(name) for name in ("start_time_unix_nano", "end_time_unix_nano")
        )
        return {
            "start_time": _timestamps(starts),
            "start_time_unix_nano": pa.array(starts),
            "end_time_unix_nano": pa.array(ends),
            "duration_ms": pa.array((ends - starts) / 1e6),
        }

    def _own_fields(self) -> dict[str, pa.Array]:
        """Return what a span says in fields of its own, beside ids and times."""
        span = self._span
        status = span.field("status")
        return {
            "flags": span.field("flags").cast(pa.int64()),
            "name": own(span.field("name")),
            "kind": _names(span.field("kind"), KINDS),
            "status_code": _names(_present(status, "code", 0), STATUS_CODES),
            "status_message": own(_present(status, "message", "")),
        }

    def _origin(self, resource: Attributes) -> dict[str, pa.Array]:
        """Return what the spans of a resource and of a scope have in common, a row a span."""
        of_resource = pa.array(self._resource_of)
        of_scope = pa.array(self._scope_of)
        scope = self._scope.field("scope")
        return {
            "service_name": resource.find("service.name").take(of_resource),
            "resource_attributes": resource.map.take(of_resource),
            "resource_attribute_types": resource.types.take(of_resource),
            "scope_name": _present(scope, "name", "").take(of_scope),
            "scope_version": _present(scope, "version", "").take(of_scope),
        }

    def _bounded(self, tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
        """Return rows whose names, ids and states are within a length."""
        if max(len(request.payload) for request in self._requests) <= chunks.CHUNK_BYTES_MAX:
            return tables
        return {name: self._bounded_table(table) for name, table in tables.items()}

    def _bounded_table(self, table: pa.Table) -> pa.Table:
        for i, name in enumerate(table.column_names):
            if not pa.types.is_string(table.schema.types[i]) or name in UNBOUNDED:
                continue
            column = table.column(i).combine_chunks()
            long = chunks.too_long(column)
            if not long:
                continue
            spans: list[int] = []
            if "span_row" in table.schema.names:
                spans = table.column("span_row").to_pylist()
            for row in long:
                self._cuts[spans[row] if spans else row] = f"{name} was too long and was cut"
            table = table.set_column(i, name, chunks.beginnings(column))
        return table

    def _refuse(
        self,
        bad: dict[int, str],
        spans_of: Callable[[int], Any],
        why: Refusal = Refusal.VALUE,
    ) -> None:
        for owner, reason in bad.items():
            for span in spans_of(owner):
                self._refuse_span(span, why, reason)

    def _refuse_span(self, span: Any, why: Refusal, reason: str) -> None:
        self._reasons.setdefault(int(span), (why, reason))  # the first that is found

    def _check_ids(self, name: str, ids: pa.Array, length: int) -> None:
        lengths = pc.binary_length(ids).to_numpy()
        zero = pc.equal(ids, bytes(length)).to_numpy(zero_copy_only=False)
        for i in np.flatnonzero((lengths != length) | zero):
            what = "all zero" if zero[i] else f"{lengths[i]} bytes, {length} needed"
            self._refuse_span(i, Refusal.ID, f"{name} is {what}")

    def _check_parents(self, ids: pa.Array) -> None:
        lengths = pc.binary_length(ids).to_numpy()
        for i in np.flatnonzero((lengths != 0) & (lengths != 8)):
            reason = f"parent_span_id is {lengths[i]} bytes, 0 or 8 needed"
            self._refuse_span(i, Refusal.ID, reason)

    def _times(self, name: str) -> Index:
        times = self._span.field(name).to_numpy()
        late = times > unix_nano.MAX
        for i in np.flatnonzero(late):
            self._refuse_span(i, Refusal.TIME, f"{name} {times[i]} is after {unix_nano.MAX}")
        return np.where(late, 0, times).astype(np.int64)

    def _resource_attributes(self) -> Attributes:
        lists = _present_list(self._resource.field("resource"), "attributes")
        attributes = attributes_of(lists, inline=True)
        self._refuse(attributes.bad, lambda owner: np.flatnonzero(self._resource_of == owner))
        for owner, what in attributes.cut.items():
            first = np.flatnonzero(self._resource_of == owner)[:1]
            self._cuts |= dict.fromkeys(first.tolist(), f"resource: {what}")
        self._check_expansion("resource", attributes.map, self._resource_of)
        return attributes

    def _check_scopes(self) -> None:
        self._check_expansion(
            "scope", _present_list(self._scope.field("scope"), "attributes"), self._scope_of
        )

    def _extras(self) -> pa.Array:
        """Return JSON of what is rarely set, null where nothing of it is.

        Most of it belongs to the scope or the resource and is made once for each of these.
        """
        shared: list[dict[str, Any]] = [{} for _ in range(len(self._scope))]
        for number in np.flatnonzero(self._scopes_with_extras()).tolist():
            shared[number] = self._scope_extras(number)
        texts = pa.array([_extra(one) if one else None for one in shared], pa.string())
        found = texts.take(pa.array(self._scope_of))
        own = {name: self._span.field(name) for name in SPAN_EXTRAS}
        rare = np.zeros(self._count, dtype=bool)
        for column in own.values():
            rare |= _is_set(column)
        if not rare.any():
            return found
        rows = np.flatnonzero(rare)
        filled = []
        for row in rows.tolist():
            values_set = {name: column[row].as_py() for name, column in own.items()}
            extra = shared[self._scope_of[row]] | {k: v for k, v in values_set.items() if v}
            filled.append(_extra(extra))
        return pc.replace_with_mask(found, pa.array(rare), pa.array(filled, pa.string()))

    def _scopes_with_extras(self) -> Mask:
        """Return which may have any: few, and to look at each takes longer than to decode it."""
        scope, resource = self._scope.field("scope"), self._resource.field("resource")
        own = _is_set(self._scope.field("schema_url"))
        own |= _is_set(_present(scope, "dropped_attributes_count", 0))
        own |= np.diff(offsets_of(_present_list(scope, "attributes"))) > 0
        owner = _is_set(self._resource.field("schema_url"))
        owner |= _is_set(_present(resource, "dropped_attributes_count", 0))
        owner |= np.diff(offsets_of(_present_list(resource, "entity_refs"))) > 0
        found: Mask = own | owner[self._resource_of_scope]
        return found

    def _scope_extras(self, number: int) -> dict[str, Any]:
        """Return what a scope and its resource carry beside names and attributes."""
        scope = self._scope.field("scope")[number].as_py() or {}
        owner = int(self._resource_of_scope[number])
        resource = self._resource.field("resource")
        extra = {
            "scope_schema_url": self._scope.field("schema_url")[number].as_py(),
            "scope_dropped_attributes_count": scope.get("dropped_attributes_count"),
            "resource_schema_url": self._resource.field("schema_url")[owner].as_py(),
        }
        if resource[owner].is_valid:
            extra["resource_dropped_attributes_count"] = resource.field("dropped_attributes_count")[
                owner
            ].as_py()
            extra["resource_entity_refs"] = [
                base64.b64encode(ref).decode()
                for ref in resource.field("entity_refs")[owner].as_py()
            ]
        if scope.get("attributes"):
            extra["scope_attributes"] = self._scope_attributes(number, scope["attributes"])
        return {name: value for name, value in extra.items() if value}

    def _scope_attributes(
        self, number: int, pairs: list[dict[str, Any]]
    ) -> dict[str, values.Encoded]:
        """Return text and letter by key; scopes are few, so this goes one by one."""
        found: dict[str, values.Encoded] = {}
        for pair in pairs:
            try:
                value = wire.AnyValue(
                    **{k: v for k, v in (pair["value"] or {}).items() if v is not None}
                )
                found[pair["key"]] = values.encode(AnyValue.FromString(value.SerializeToString()))
            except (DecodeError, RecursionError) as error:
                reason = f"scope attribute {pair['key']!r}: malformed value: {error}"
                self._refuse({number: reason}, lambda o: np.flatnonzero(self._scope_of == o))
        return found

    def _check_expansion(self, what: str, lists: pa.Array, owner_of: Index) -> None:
        """Refuse the spans of an owner whose attributes, once beside each span, grow too large."""
        used = np.bincount(owner_of, minlength=len(lists))
        if lists.values.nbytes * int(used.max(initial=0)) <= EXPANDED_BYTES_MAX:
            return
        starts = offsets_of(lists)
        for owner in range(len(lists)):
            size = lists.values.slice(starts[owner], starts[owner + 1] - starts[owner]).nbytes
            if size * int(used[owner]) > EXPANDED_BYTES_MAX:
                reason = (
                    f"{what} attributes of {size} bytes over {used[owner]} spans, "
                    f"{EXPANDED_BYTES_MAX} bytes allowed"
                )
                self._refuse({owner: reason}, lambda o: np.flatnonzero(owner_of == o), Refusal.SIZE)

    def _events(self, columns: dict[str, pa.Array]) -> tuple[pa.Table, pa.Table]:
        """Return the rows of span_events, and their long values."""
        lists = self._span.field("events")
        event = lists.values
        if not len(event):
            return EMPTY["span_events"], EMPTY["x_content_chunks"]
        attributes = attributes_of(event.field("attributes"))
        span_of = owners(lists)
        self._refuse(attributes.bad, lambda owner: [span_of[owner]])
        self._cuts |= {int(span_of[owner]): what for owner, what in attributes.cut.items()}
        position = np.arange(len(event)) - offsets_of(lists)[span_of]
        rows = _child(
            columns,
            span_of,
            EVENTS,
            event_index=pa.array(position.astype(np.int32)),
            name=own(event.field("name")),
            time_unix_nano=self._event_times(event, span_of),
            attributes=attributes.map,
            attribute_types=attributes.types,
            dropped_attributes_count=event.field("dropped_attributes_count").cast(pa.int64()),
        )
        long = attributes.long_owner
        return rows, _content(attributes, position[long], columns, span_of[long])

    def _event_times(self, event: pa.Array, span_of: Index) -> pa.Array:
        """Return the times of events; the spans of those that are out of bounds are refused."""
        times = event.field("time_unix_nano").to_numpy()
        late = times > unix_nano.MAX
        for i in np.flatnonzero(late):
            reason = f"event time_unix_nano {times[i]} is after {unix_nano.MAX}"
            self._refuse_span(span_of[i], Refusal.TIME, reason)
        return pa.array(np.where(late, 0, times).astype(np.int64))

    def _links(self, columns: dict[str, pa.Array]) -> pa.Table:
        lists = self._span.field("links")
        link = lists.values
        if not len(link):
            return EMPTY["span_links"]
        attributes = attributes_of(link.field("attributes"), inline=True)
        span_of = owners(lists)
        self._refuse(attributes.bad, lambda owner: [span_of[owner]])
        self._cuts |= {int(span_of[owner]): what for owner, what in attributes.cut.items()}
        position = np.arange(len(link)) - offsets_of(lists)[span_of]
        return _child(
            columns,
            span_of,
            LINKS,
            link_index=pa.array(position.astype(np.int32)),
            linked_trace_id=_hex(link.field("trace_id")),
            linked_span_id=_hex(link.field("span_id")),
            trace_state=own(link.field("trace_state")),
            attributes=attributes.map,
            attribute_types=attributes.types,
            dropped_attributes_count=link.field("dropped_attributes_count").cast(pa.int64()),
            flags=link.field("flags").cast(pa.int64()),
        )

    def _projects(self, span: Attributes, resource: Attributes) -> pa.Array:
        """Return the project of each span: the first that exists, the most explicit first."""
        of = pa.array(self._resource_of)
        known = self._project_names
        named = pc.coalesce(
            span.find(PROJECT),
            resource.find(PROJECT).take(of),
            self._per_request([request.project for request in self._requests]),
            *(resource.find(name).take(of) for name in known.resources),
            *(span.find(name) for name in known.of_spans),
            self._per_request([request.vendor_project for request in self._requests]),
            pa.scalar(self._default_project),
        )
        different = named.dictionary_encode()
        given = different.dictionary.to_pylist()
        cleaned = [names.cleaned(name) or self._default_project for name in given]
        return named if cleaned == given else pa.array(cleaned).take(different.indices)

    def _per_request(self, names: Sequence[str | None]) -> pa.Array:
        return pa.array(names, pa.string()).take(pa.array(self._request_of))

    def _keep_good(self, tables: dict[str, pa.Table]) -> Decoded:
        requests = len(self._requests)
        reasons: list[list[str]] = [[] for _ in range(requests)]
        refused: list[dict[Refusal, int]] = [{} for _ in range(requests)]
        accepted = np.bincount(self._request_of, minlength=requests)
        for span, (why, reason) in sorted(self._reasons.items()):
            of = self._request_of[span]
            reasons[of].append(reason)
            refused[of][why] = refused[of].get(why, 0) + 1
            accepted[of] -= 1
        for span, what in sorted(self._cuts.items()):
            reasons[self._request_of[span]].append(what)
        if self._reasons:
            good = np.ones(self._count, dtype=bool)
            good[list(self._reasons)] = False
            tables = keep_spans(tables, good)
        return Decoded(tables, accepted.tolist(), refused, reasons)


def keep_spans(tables: dict[str, pa.Table], good: Mask) -> dict[str, pa.Table]:
    """Return the tables with only the spans that a mask keeps, and what belongs to these."""
    renumbered = np.cumsum(good) - 1
    kept = {"spans": tables["spans"].filter(pa.array(good))}
    for name in CHILDREN:
        table = tables[name]
        owner = table.column("span_row").to_numpy()
        table = table.filter(pa.array(good[owner]))
        rows = pa.array(renumbered[owner[good[owner]]])
        kept[name] = table.set_column(table.num_columns - 1, "span_row", rows)
    return kept


def _extra(extra: dict[str, Any]) -> str:
    """Return JSON; without the texts in it where those make it too long."""
    text = json.dumps(extra)
    if len(text) > chunks.CHUNK_BYTES_MAX:
        text = json.dumps({name: value for name, value in extra.items() if isinstance(value, int)})
    return text


def _hex(ids: pa.Array) -> pa.Array:
    """Return the lower-case hex text of binary values of any length."""
    offsets = np.asarray(pa.Array.from_buffers(pa.int32(), len(ids) + 1, [None, ids.buffers()[1]]))
    if not len(ids) or ids.buffers()[2] is None:
        return pa.array([""] * len(ids), pa.string())
    data = np.frombuffer(ids.buffers()[2], dtype=np.uint8, count=offsets[-1])
    text = _HEX[data]
    return pa.StringArray.from_buffers(
        len(ids), pa.py_buffer((offsets * 2).astype(np.int32)), pa.py_buffer(text)
    )


def _parents(ids: pa.Array) -> pa.Array:
    """Return hex, null for a root: empty, or all zero as some senders write it."""
    text = _hex(ids)
    return pc.if_else(pc.or_(pc.equal(text, ""), pc.equal(text, "0" * 16)), None, text)


def _timestamps(unix_nano: Index) -> pa.Array:
    return pa.array(unix_nano // 1000).cast(pa.timestamp("us", tz="UTC"))


def _names(numbers: pa.Array, names: Sequence[str]) -> pa.Array:
    """Return the name of each enum number; a number of a newer protocol stays a number."""
    found = pa.array(names).take(
        pc.if_else(
            pc.and_(pc.greater_equal(numbers, 0), pc.less(numbers, len(names))), numbers, None
        )
    )
    return found if not found.null_count else pc.coalesce(found, numbers.cast(pa.string()))


def _present(parent: pa.Array, name: str, default: object) -> pa.Array:
    """Return a field of a struct that may be absent, with protobuf's default where it is."""
    child = parent.field(name)
    return child if not parent.null_count else pc.if_else(parent.is_valid(), child, default)


def _present_list(parent: pa.Array, name: str) -> pa.Array:
    """Return a repeated field of a struct that may be absent; an absent struct has none."""
    child = parent.field(name)
    # ptars gives an absent struct empty lists; say so if that ever changes.
    if parent.null_count and child.null_count:
        return pc.if_else(child.is_valid(), child, pa.scalar([], child.type))
    return child


def _is_set(column: pa.Array) -> Mask:
    """Return where a column is not protobuf's default."""
    mask = pc.not_equal(column, "" if pa.types.is_string(column.type) else 0)
    found: Mask = mask.to_numpy(zero_copy_only=False)
    return found


def _child(
    columns: dict[str, pa.Array], span_of: Index, schema: pa.Schema, **own: pa.Array
) -> pa.Table:
    """Return rows that belong to spans: the span's keys, their own columns, the span's row."""
    rows = pa.array(span_of)
    keys = {name: columns[name].take(rows) for name in KEYS}
    return pa.table({**keys, **own, "span_row": rows}, schema=schema)


def _content(
    attributes: Attributes, event_index: Index | None, columns: dict[str, pa.Array], span_of: Index
) -> pa.Table:
    """Return rows of x_content_chunks for the values that are too long for their map."""
    if not len(span_of):
        return EMPTY["x_content_chunks"]
    return _child(
        columns,
        span_of,
        CONTENT,
        event_index=pa.nulls(len(span_of), pa.int32())
        if event_index is None
        else pa.array(event_index.astype(np.int32)),
        key=attributes.long_keys,
        value=attributes.long_values,
    )
