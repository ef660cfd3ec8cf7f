"""OTLP trace requests into Arrow tables, without a Python object per span.

`ptars` turns wire bytes into one nested Arrow batch (see proto/otel_threads/wire); from there on
it is list offsets, dictionaries and buffers. Only nested attribute values, which are rare, pass
through Python one by one.

tests/decode/slow_reading.py reads the same bytes one object at a time; a property test holds the
two equal.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import ptars
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import ArrayValue, KeyValueList

from otel_threads.decode import values
from otel_threads.errors import InvalidPayload
from otel_threads.model import Request
from otel_threads.wire.v1 import trace_pb2 as wire

CONTENT_BYTES_MIN = 257  # a value this long goes to span_content, which is zstd-compressed
# A resource is stored beside each of its spans. One huge resource over many spans would turn a
# small request into gigabytes, so what it grows to has a limit of its own.
EXPANDED_BYTES_MAX = 64 * 1024 * 1024
UNIX_NANO_MAX = 2**63 - 1  # in the year 2262; the columns are signed, as DuckDB's times are
MESSAGES_MAX = 3  # reasons named in one partial success

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUS_CODES = ("unset", "ok", "error")
PROJECT = "otel_threads.project"
OPENINFERENCE_PROJECT = "openinference.project.name"
LANGSMITH_PROJECT = "langsmith.trace.session_name"

_MAP = pa.map_(pa.string(), pa.string())
_HEX = np.frombuffer(b"".join(b"%02x" % n for n in range(256)), dtype=np.uint16)
_handler = ptars.HandlerPool([wire.DESCRIPTOR]).get_for_message(
    wire.ExportTraceServiceRequest.DESCRIPTOR
)

Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Decoded:
    """The rows of several requests, in the order in which they came.

    `spans` and `content` have the columns of the tables `spans` and `span_content` without
    `ingest_seq`; `accepted` and `rejected` count per request, `reasons` say why.
    """

    spans: pa.Table
    content: pa.Table
    accepted: list[int]
    rejected: list[int]
    reasons: list[list[str]]


@dataclass(slots=True)
class _Attributes:
    """One list of attributes per owner: the map, its letters, and what is too long for it."""

    map: pa.Array
    types: pa.Array
    long_owner: Index
    long_keys: pa.Array
    long_values: pa.Array
    bad: dict[int, str] = field(default_factory=dict)  # owner → what is wrong with its values
    keys: pa.Array | None = None
    texts: pa.Array | None = None
    offsets: Index | None = None

    def find(self, key: str) -> pa.Array:
        """Return the value under `key` per owner, null where it is not a non-empty string."""
        assert self.keys is not None and self.texts is not None and self.offsets is not None
        owners = len(self.offsets) - 1
        hits = np.flatnonzero(pc.equal(self.keys, key).to_numpy(zero_copy_only=False))
        if not len(hits):
            return pa.nulls(owners, pa.string())
        where = np.full(owners, -1, dtype=np.int64)
        where[np.searchsorted(self.offsets, hits, side="right") - 1] = hits
        found = self.texts.take(pa.array(where, mask=where < 0))
        return pc.if_else(pc.equal(found, ""), None, found)


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


def decode(requests: Sequence[Request], *, default_project: str, project_attribute: str | None = None) -> Decoded:
    """Return the rows of all requests together. Each payload has passed `check`.

    Raises:
        InvalidPayload: a payload cannot be read after all; nothing was decoded.
    """
    try:
        batch = _handler.list_to_record_batch([request.payload for request in requests])
    except ValueError as error:
        raise InvalidPayload(f"not an ExportTraceServiceRequest: {error}") from None
    return _Decoder(requests, batch, default_project, project_attribute).decoded()


class _Decoder:
    """Walks one batch from the requests down to the attributes; used once."""

    def __init__(
        self,
        requests: Sequence[Request],
        batch: pa.RecordBatch,
        default_project: str,
        project_attribute: str | None,
    ) -> None:
        self._requests = requests
        self._default_project = default_project
        self._project_attribute = project_attribute
        resources = batch.column(0)
        self._resource = resources.values
        scopes = self._resource.field("scope_spans")
        self._scope = scopes.values
        spans = self._scope.field("spans")
        self._span = spans.values
        self._count = len(self._span)
        self._scope_of = _owners(spans)
        self._resource_of = _owners(scopes)[self._scope_of]
        self._request_of = _owners(resources)[self._resource_of]
        self._reasons: dict[int, str] = {}  # span → why it is refused

    def decoded(self) -> Decoded:
        if not self._count:
            nothing = [0] * len(self._requests)
            return Decoded(
                EMPTY_SPANS, EMPTY_CONTENT, nothing, list(nothing), [[] for _ in self._requests]
            )
        span = self._span
        attributes = _attributes(span.field("attributes"))
        self._refuse(attributes.bad, lambda owner: [owner])
        trace_ids, span_ids, parents = (
            span.field(name) for name in ("trace_id", "span_id", "parent_span_id")
        )
        self._check_ids("trace_id", trace_ids, 16)
        self._check_ids("span_id", span_ids, 8)
        self._check_parents(parents)
        starts, ends = (
            self._times(name) for name in ("start_time_unix_nano", "end_time_unix_nano")
        )
        resource_columns, resource_attributes = self._resource_columns()
        scope_columns = self._scope_columns()
        events, event_content = self._events()
        links = self._links()
        status = span.field("status")
        received = np.array([request.received_unix_nano for request in self._requests])
        columns = {
            "received_at": _timestamps(received[self._request_of]),
            "project": self._projects(attributes, resource_attributes),
            "trace_id": _hex(trace_ids),
            "span_id": _hex(span_ids),
            "parent_span_id": _parents(parents),
            "trace_state": span.field("trace_state"),
            "flags": span.field("flags").cast(pa.int64()),
            "name": span.field("name"),
            "kind": _names(span.field("kind"), KINDS),
            "start_time": _timestamps(starts),
            "start_time_unix_nano": pa.array(starts),
            "end_time_unix_nano": pa.array(ends),
            "duration_ms": pa.array((ends - starts) / 1e6),
            "status_code": _names(_present(status, "code", 0), STATUS_CODES),
            "status_message": _present(status, "message", ""),
            "attributes": attributes.map,
            "attribute_types": attributes.types,
            "dropped_attributes_count": span.field("dropped_attributes_count").cast(pa.int64()),
            "events": events,
            "dropped_events_count": span.field("dropped_events_count").cast(pa.int64()),
            "links": links,
            "dropped_links_count": span.field("dropped_links_count").cast(pa.int64()),
            **resource_columns,
            **scope_columns,
        }
        content = pa.concat_tables(
            [_content(attributes, None, columns, attributes.long_owner), event_content(columns)]
        )
        return self._keep_good(pa.table(columns, schema=SPANS), content)

    def _refuse(self, bad: dict[int, str], spans_of: Callable[[int], Any]) -> None:
        for owner, reason in bad.items():
            for span in spans_of(owner):
                self._reasons.setdefault(int(span), reason)

    def _check_ids(self, name: str, ids: pa.Array, length: int) -> None:
        lengths = pc.binary_length(ids).to_numpy()
        zero = pc.equal(ids, bytes(length)).to_numpy(zero_copy_only=False)
        for i in np.flatnonzero((lengths != length) | zero):
            what = "all zero" if zero[i] else f"{lengths[i]} bytes, {length} needed"
            self._reasons.setdefault(int(i), f"{name} is {what}")

    def _check_parents(self, ids: pa.Array) -> None:
        lengths = pc.binary_length(ids).to_numpy()
        for i in np.flatnonzero((lengths != 0) & (lengths != 8)):
            self._reasons.setdefault(int(i), f"parent_span_id is {lengths[i]} bytes, 0 or 8 needed")

    def _times(self, name: str) -> Index:
        times = self._span.field(name).to_numpy()
        late = times > UNIX_NANO_MAX
        for i in np.flatnonzero(late):
            self._reasons.setdefault(int(i), f"{name} {times[i]} is after {UNIX_NANO_MAX}")
        return np.where(late, 0, times).astype(np.int64)

    def _resource_columns(self) -> tuple[dict[str, pa.Array], _Attributes]:
        resource = self._resource.field("resource")
        lists = _present_list(resource, "attributes")
        attributes = _attributes(lists, inline=True)
        self._refuse(attributes.bad, lambda owner: np.flatnonzero(self._resource_of == owner))
        self._check_expansion("resource", lists, self._resource_of)
        of = pa.array(self._resource_of)
        dropped = _present(resource, "dropped_attributes_count", 0).cast(pa.int64())
        return {
            "service_name": attributes.find("service.name").take(of),
            "resource_attributes": attributes.map.take(of),
            "resource_attribute_types": attributes.types.take(of),
            "resource_dropped_attributes_count": dropped.take(of),
            "resource_schema_url": self._resource.field("schema_url").take(of),
            "resource_entity_refs": _present_list(resource, "entity_refs").take(of),
        }, attributes

    def _scope_columns(self) -> dict[str, pa.Array]:
        scope = self._scope.field("scope")
        lists = _present_list(scope, "attributes")
        attributes = _attributes(lists, inline=True)
        self._refuse(attributes.bad, lambda owner: np.flatnonzero(self._scope_of == owner))
        self._check_expansion("scope", lists, self._scope_of)
        of = pa.array(self._scope_of)
        dropped = _present(scope, "dropped_attributes_count", 0).cast(pa.int64())
        return {
            "scope_name": _present(scope, "name", "").take(of),
            "scope_version": _present(scope, "version", "").take(of),
            "scope_attributes": attributes.map.take(of),
            "scope_attribute_types": attributes.types.take(of),
            "scope_dropped_attributes_count": dropped.take(of),
            "scope_schema_url": self._scope.field("schema_url").take(of),
        }

    def _check_expansion(self, what: str, lists: pa.Array, owner_of: Index) -> None:
        """Refuse the spans of an owner whose attributes, once beside each span, grow too large."""
        used = np.bincount(owner_of, minlength=len(lists))
        if lists.values.nbytes * int(used.max(initial=0)) <= EXPANDED_BYTES_MAX:
            return
        for owner in range(len(lists)):
            size = lists.slice(owner, 1).flatten().nbytes
            if size * int(used[owner]) > EXPANDED_BYTES_MAX:
                reason = f"{what} attributes of {size} bytes over {used[owner]} spans, {EXPANDED_BYTES_MAX} bytes allowed"
                self._refuse({owner: reason}, lambda o: np.flatnonzero(owner_of == o))

    def _events(self) -> tuple[pa.Array, Callable[[dict[str, pa.Array]], pa.Table]]:
        lists = self._span.field("events")
        event = lists.values
        attributes = _attributes(event.field("attributes"))
        span_of = _owners(lists)
        self._refuse(attributes.bad, lambda owner: [span_of[owner]])
        times = event.field("time_unix_nano").to_numpy()
        for i in np.flatnonzero(times > UNIX_NANO_MAX):
            reason = f"event time_unix_nano {times[i]} is after {UNIX_NANO_MAX}"
            self._reasons.setdefault(int(span_of[i]), reason)
        built = pa.StructArray.from_arrays(
            [
                event.field("name"),
                pa.array(np.where(times > UNIX_NANO_MAX, 0, times).astype(np.int64)),
                attributes.map,
                attributes.types,
                event.field("dropped_attributes_count").cast(pa.int64()),
            ],
            fields=list(EVENT),
        )
        position = np.arange(len(event)) - _offsets(lists)[span_of] if len(event) else span_of

        def content(columns: dict[str, pa.Array]) -> pa.Table:
            long = attributes.long_owner
            return _content(attributes, position[long], columns, span_of[long])

        return pa.ListArray.from_arrays(lists.offsets, built), content

    def _links(self) -> pa.Array:
        lists = self._span.field("links")
        link = lists.values
        attributes = _attributes(link.field("attributes"), inline=True)
        span_of = _owners(lists)
        self._refuse(attributes.bad, lambda owner: [span_of[owner]])
        built = pa.StructArray.from_arrays(
            [
                _hex(link.field("trace_id")),
                _hex(link.field("span_id")),
                link.field("trace_state"),
                attributes.map,
                attributes.types,
                link.field("dropped_attributes_count").cast(pa.int64()),
                link.field("flags").cast(pa.int64()),
            ],
            fields=list(LINK),
        )
        return pa.ListArray.from_arrays(lists.offsets, built)

    def _projects(self, span: _Attributes, resource: _Attributes) -> pa.Array:
        """Return the project of each span: the first that exists, the most explicit first."""
        of = pa.array(self._resource_of)
        configured = (
            [resource.find(self._project_attribute).take(of)] if self._project_attribute else []
        )
        return pc.coalesce(
            span.find(PROJECT),
            resource.find(PROJECT).take(of),
            self._per_request([request.project for request in self._requests]),
            *configured,
            resource.find(OPENINFERENCE_PROJECT).take(of),
            span.find(LANGSMITH_PROJECT),
            self._per_request([request.vendor_project for request in self._requests]),
            pa.scalar(self._default_project),
        )

    def _per_request(self, names: Sequence[str | None]) -> pa.Array:
        return pa.array(names, pa.string()).take(pa.array(self._request_of))

    def _keep_good(self, spans: pa.Table, content: pa.Table) -> Decoded:
        requests = len(self._requests)
        reasons: list[list[str]] = [[] for _ in range(requests)]
        total = np.bincount(self._request_of, minlength=requests)
        if not self._reasons:
            return Decoded(spans, content, total.tolist(), [0] * requests, reasons)
        good = np.ones(self._count, dtype=bool)
        good[list(self._reasons)] = False
        for i in sorted(self._reasons):
            reasons[self._request_of[i]].append(self._reasons[i])
        rejected = np.bincount(self._request_of[~good], minlength=requests)
        owner = content.column("span_row").to_numpy()
        renumbered = np.cumsum(good) - 1
        content = content.filter(pa.array(good[owner]))
        content = content.set_column(
            content.schema.get_field_index("span_row"),
            "span_row",
            pa.array(renumbered[owner[good[owner]]]),
        )
        kept = spans.filter(pa.array(good))
        return Decoded(kept, content, (total - rejected).tolist(), rejected.tolist(), reasons)


def _offsets(lists: pa.Array) -> Index:
    return np.asarray(lists.offsets).astype(np.int64)


def _owners(lists: pa.Array) -> Index:
    """Return, for each value of a list array, the index of the list that holds it."""
    return np.repeat(np.arange(len(lists)), np.diff(_offsets(lists)))


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


def _attributes(lists: pa.Array, *, inline: bool = False) -> _Attributes:
    """Return one map of text and one string of letters per list of key-value pairs.

    `inline` keeps long values in the map; else they are set apart and null in the map.
    A key that is repeated keeps its last value: OTLP forbids it, so any choice is ours.
    """
    pair = lists.values
    keys, value = pair.field("key"), pair.field("value")
    offsets = _offsets(lists)
    texts, letters, bad_pairs = _texts(value)
    owner_of = np.repeat(np.arange(len(lists)), np.diff(offsets))
    bad = {int(owner_of[i]): f"attribute {keys[i].as_py()!r}: {why}" for i, why in bad_pairs.items()}
    last = _last_of_key(keys, owner_of, len(lists))
    if last is not None:
        keys, texts, letters = keys.filter(last), texts.filter(last), letters[last]
        owner_of = owner_of[last]
        offsets = np.concatenate(([0], np.cumsum(np.bincount(owner_of, minlength=len(lists)))))
    long = np.empty(0, dtype=np.int64)
    mapped = texts
    if not inline and len(texts):
        lengths = pc.fill_null(pc.binary_length(texts), 0).to_numpy()
        long = np.flatnonzero(lengths >= CONTENT_BYTES_MIN)
        if len(long):
            mask = np.zeros(len(texts), dtype=bool)
            mask[long] = True
            mapped = pc.if_else(pa.array(mask), None, texts)
    offset_array = pa.array(offsets.astype(np.int32))
    types = pa.StringArray.from_buffers(
        len(lists), offset_array.buffers()[1], pa.py_buffer(np.ascontiguousarray(letters))
    )
    return _Attributes(
        map=pa.MapArray.from_arrays(offset_array, keys, mapped),
        types=types,
        long_owner=owner_of[long],
        long_keys=keys.take(pa.array(long)),
        long_values=texts.take(pa.array(long)),
        bad=bad,
        keys=keys,
        texts=texts,
        offsets=offsets,
    )


def _last_of_key(keys: pa.Array, owner_of: Index, owners: int) -> Mask | None:
    """Return which pairs are the last of their key within their owner; None when all are."""
    if not len(keys):
        return None
    encoded = keys.dictionary_encode()
    distinct = len(encoded.dictionary)
    combined = owner_of * distinct + encoded.indices.to_numpy()
    if owners * distinct <= 4 * len(keys) + 65536:
        unique = int(np.bincount(combined, minlength=1).max()) <= 1
    else:
        unique = len(np.unique(combined)) == len(combined)
    if unique:
        return None
    _, first_from_end = np.unique(combined[::-1], return_index=True)
    mask = np.zeros(len(combined), dtype=bool)
    mask[len(combined) - 1 - first_from_end] = True
    return mask


def _texts(value: pa.Array) -> tuple[pa.Array, npt.NDArray[np.uint8], dict[int, str]]:
    """Return text, letter and, for malformed nested values, what is wrong, per AnyValue."""
    count = len(value)
    letters = np.full(count, ord("n"), dtype=np.uint8)
    strings = value.field("string_value")
    bad: dict[int, str] = {}
    if not count:
        return strings, letters, bad
    present = value.is_valid().to_numpy(zero_copy_only=False) if value.null_count else None
    others: dict[str, Index] = {}
    for name, letter in _LETTERS:
        child = value.field(name)
        if child.null_count == count:
            continue
        valid = child.is_valid().to_numpy(zero_copy_only=False)
        if present is not None:
            valid = valid & present
        letters[valid] = ord(letter)
        if name != "string_value":
            others[name] = np.flatnonzero(valid)
    if not others:
        return strings, letters, bad
    replaced = np.zeros(count, dtype=bool)
    pieces: list[tuple[Index, pa.Array]] = []
    for name, where in others.items():
        child = value.field(name).take(pa.array(where))
        if name in ("int_value", "bool_value"):
            text = child.cast(pa.string())
        else:
            text = pa.array(_slow_texts(name, child, where, letters, bad), pa.string())
        replaced[where] = True
        pieces.append((where, text))
    order = np.argsort(np.concatenate([where for where, _ in pieces]), kind="stable")
    replacements = pa.concat_arrays([text for _, text in pieces]).take(pa.array(order))
    return pc.replace_with_mask(strings, pa.array(replaced), replacements), letters, bad


def _slow_texts(
    name: str, child: pa.Array, where: Index, letters: npt.NDArray[np.uint8], bad: dict[int, str]
) -> list[str | None]:
    texts: list[str | None] = []
    for i, raw in zip(where.tolist(), child.to_pylist(), strict=True):
        if name == "double_value":
            texts.append(repr(raw))
        elif name == "bytes_value":
            texts.append(base64.b64encode(raw).decode())
        else:
            try:
                text, letter = _NESTED[name](raw)
            except (DecodeError, RecursionError) as error:
                bad[i] = f"malformed {name}: {error}"
                text, letter = None, "n"
            letters[i] = ord(letter)
            texts.append(text)
    return texts


_LETTERS = (
    ("string_value", "s"),
    ("bool_value", "b"),
    ("int_value", "i"),
    ("double_value", "d"),
    ("array_value", "j"),
    ("kvlist_value", "j"),
    ("bytes_value", "y"),
)
_NESTED: dict[str, Callable[[bytes], values.Encoded]] = {
    "array_value": lambda raw: values.encode_array(ArrayValue.FromString(raw)),
    "kvlist_value": lambda raw: values.encode_kvlist(KeyValueList.FromString(raw)),
}


def _content(
    attributes: _Attributes, event_index: Index | None, columns: dict[str, pa.Array], span_of: Index
) -> pa.Table:
    """Return rows of span_content for the values that are too long for their map."""
    rows = pa.array(span_of)
    return pa.table(
        {
            "project": columns["project"].take(rows),
            "trace_id": columns["trace_id"].take(rows),
            "span_id": columns["span_id"].take(rows),
            "start_time": columns["start_time"].take(rows),
            "event_index": pa.nulls(len(rows), pa.int32())
            if event_index is None
            else pa.array(event_index.astype(np.int32)),
            "key": attributes.long_keys,
            "value": attributes.long_values,
            "span_row": rows,
        },
        schema=CONTENT,
    )


EVENT = pa.struct(
    [
        ("name", pa.string()),
        ("time_unix_nano", pa.int64()),
        ("attributes", _MAP),
        ("attribute_types", pa.string()),
        ("dropped_attributes_count", pa.int64()),
    ]
)
LINK = pa.struct(
    [
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("trace_state", pa.string()),
        ("attributes", _MAP),
        ("attribute_types", pa.string()),
        ("dropped_attributes_count", pa.int64()),
        ("flags", pa.int64()),
    ]
)
_TIME = pa.timestamp("us", tz="UTC")
SPANS = pa.schema(
    [
        ("received_at", _TIME),
        ("project", pa.string()),
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("parent_span_id", pa.string()),
        ("trace_state", pa.string()),
        ("flags", pa.int64()),
        ("name", pa.string()),
        ("kind", pa.string()),
        ("start_time", _TIME),
        ("start_time_unix_nano", pa.int64()),
        ("end_time_unix_nano", pa.int64()),
        ("duration_ms", pa.float64()),
        ("status_code", pa.string()),
        ("status_message", pa.string()),
        ("attributes", _MAP),
        ("attribute_types", pa.string()),
        ("dropped_attributes_count", pa.int64()),
        ("events", pa.list_(EVENT)),
        ("dropped_events_count", pa.int64()),
        ("links", pa.list_(LINK)),
        ("dropped_links_count", pa.int64()),
        ("service_name", pa.string()),
        ("resource_attributes", _MAP),
        ("resource_attribute_types", pa.string()),
        ("resource_dropped_attributes_count", pa.int64()),
        ("resource_schema_url", pa.string()),
        ("resource_entity_refs", pa.list_(pa.binary())),
        ("scope_name", pa.string()),
        ("scope_version", pa.string()),
        ("scope_attributes", _MAP),
        ("scope_attribute_types", pa.string()),
        ("scope_dropped_attributes_count", pa.int64()),
        ("scope_schema_url", pa.string()),
    ]
)
# span_row is the row of the span in the same batch; the writer drops it.
CONTENT = pa.schema(
    [
        ("project", pa.string()),
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("start_time", _TIME),
        ("event_index", pa.int32()),
        ("key", pa.string()),
        ("value", pa.string()),
        ("span_row", pa.int64()),
    ]
)
EMPTY_SPANS = SPANS.empty_table()
EMPTY_CONTENT = CONTENT.empty_table()
