"""Counts what an OTLP request holds before anything of it is built.

Three bytes of wire can become a row of some hundred. So the wire is read with a projection of lists
alone (proto/otel_threads/wire/v1/counts.proto), which costs four bytes an item, and a large request
in fragments: reading stops at the first bound that is passed. Nothing is decoded here.

A protobuf message that is cut between two fields gives two messages of the same type. So a large
message is walked field by field and its fragments are counted one by one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import ptars
import pyarrow as pa

from otel_threads.batches import batches
from otel_threads.core.errors import InvalidPayload, TooLarge
from otel_threads.core.model import Signal
from otel_threads.wire.v1 import counts_pb2 as wire

# ptars holds the interpreter meanwhile: 65 ms for four mebibytes of the shortest fields. A usual
# request (512 spans) is read at once in 0.5 ms, where fragments take 3 ms.
WHOLE_BYTES_MAX = 4 * 1024 * 1024
FRAGMENT_BYTES_MAX = 256 * 1024
# protobuf reads 100 messages within one another, and a value in a value is two.
NESTING_MAX = 50
SKIPPED_FIELDS_MAX = 100_000  # of large messages, beside what is counted: no sender writes so many

# What a request weighs while it is decoded and written, in bytes: measured with requests at their
# bounds, as the growth of the process (tests/attack/test_decode.py has the requests).
PAYLOAD_WEIGHT = 2  # the columns of a request, and its rows, beside the payload itself
RESOURCE_BYTES = 300
SCOPE_BYTES = 300
SPAN_BYTES = 500
EVENT_BYTES = 250
LINK_BYTES = 250
VALUE_BYTES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """How much one request may hold. Log records count as spans; so do resources and scopes."""

    spans_max: int
    events_max: int
    links_max: int
    values_max: int

    @property
    def least(self) -> int:
        """The smallest bound: what cannot hold more needs no counting."""
        return min(self.spans_max, self.events_max, self.links_max, self.values_max)

    @property
    def fields_max(self) -> int:
        """How many fields of large messages are looked at before a request is refused."""
        lists = 3 * self.spans_max + self.events_max + self.links_max + self.values_max
        return lists + SKIPPED_FIELDS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCounts:
    """How much requests hold. `values` are attributes and what is in their values, at any depth.

    A nested value that is malformed counts as one value for each two bytes of it: as many could
    be read before its end is found wrong.
    """

    payload_bytes: int = 0
    resources: int = 0
    scopes: int = 0
    spans: int = 0
    events: int = 0
    links: int = 0
    values: int = 0

    def __add__(self, other: "RequestCounts") -> "RequestCounts":
        """Return what both hold together."""
        return RequestCounts(
            **{
                field.name: getattr(self, field.name) + getattr(other, field.name)
                for field in fields(RequestCounts)
            }
        )

    @property
    def decoded_bytes(self) -> int:
        """What decoding and writing takes in memory beside the payload, as an estimate."""
        return (
            PAYLOAD_WEIGHT * self.payload_bytes
            + RESOURCE_BYTES * self.resources
            + SCOPE_BYTES * self.scopes
            + SPAN_BYTES * self.spans
            + EVENT_BYTES * self.events
            + LINK_BYTES * self.links
            + VALUE_BYTES * self.values
        )

    @property
    def items(self) -> int:
        """How many of all of them: what decoding takes in time."""
        rows = self.resources + self.scopes + self.spans + self.events + self.links
        return rows + self.values


def count(signal: Signal, payloads: Sequence[bytes], limits: RequestLimits) -> RequestCounts:
    """Return what trace or log requests hold together. The bounds hold for the sum.

    Raises:
        TooLarge: they hold more than a bound; counting stopped there.
        InvalidPayload: the bytes are not protobuf. Text that is not UTF-8 is not looked for.
    """
    counter = _Counter(limits)
    kind = _REQUESTS[signal]
    try:
        for together in batches(payloads, len, weight_max=WHOLE_BYTES_MAX):
            if len(together) > 1 or len(together[0]) <= WHOLE_BYTES_MAX:
                counter.add_messages(kind, together, 0)
            else:
                counter.add_large_message(kind, together[0], 0, len(together[0]), 0)
    except _MalformedError as error:
        raise InvalidPayload(f"not an {kind.name}: {error}") from None
    return RequestCounts(payload_bytes=sum(map(len, payloads)), **counter.found)


class _MalformedError(Exception):
    """The bytes are not protobuf."""


_Descriptor = Any  # google.protobuf.descriptor.Descriptor
_VARINT, _BYTES = 0, 2  # wire types
_GROUPS = {3: 1, 4: -1}  # the wire types of a group's begin and end: what they add to the open ones
_WIDTHS = {1: 8, 5: 4, **dict.fromkeys(_GROUPS, 0)}  # of the values of other wire types

_BUCKETS = {
    "resource_spans": "resources",
    "resource_logs": "resources",
    "scope_spans": "scopes",
    "scope_logs": "scopes",
    "spans": "spans",
    "log_records": "spans",
    "events": "events",
    "links": "links",
    "attributes": "values",
    "values": "values",
    "entity_refs": "values",
}
_NESTED = {
    "array_value": wire.ArrayValue.DESCRIPTOR,
    "kvlist_value": wire.KeyValueList.DESCRIPTOR,
}
_REQUESTS = {
    Signal.TRACES: wire.ExportTraceServiceRequest.DESCRIPTOR,
    Signal.LOGS: wire.ExportLogsServiceRequest.DESCRIPTOR,
}
_SETTINGS = {  # the bound of a count, and the setting that changes it
    "resources": ("spans_max", "spans_per_request_max"),
    "scopes": ("spans_max", "spans_per_request_max"),
    "spans": ("spans_max", "spans_per_request_max"),
    "events": ("events_max", "events_per_request_max"),
    "links": ("links_max", "links_per_request_max"),
    "values": ("values_max", "values_per_request_max"),
}
_WORDS = {"spans": "spans or log records", "values": "attributes and nested values"}
_handlers = ptars.HandlerPool([wire.DESCRIPTOR])


class _Counter:
    """Counts messages of one or several requests; used once."""

    def __init__(self, limits: RequestLimits) -> None:
        self._limits = limits
        self._fields = 0  # looked at one by one
        self.found = {field.name: 0 for field in fields(RequestCounts) if field.name in _SETTINGS}

    def add_messages(self, kind: _Descriptor, messages: Sequence[bytes], depth: int) -> None:
        """Count messages that are together small."""
        try:
            batch = _handlers.get_for_message(kind).list_to_record_batch(messages)
        except ValueError as error:
            raise _MalformedError(str(error)) from None
        self._add(kind, batch.column, depth)

    def _add(self, kind: _Descriptor, column: Callable[[int], Any], depth: int) -> None:
        """Add what a batch of one kind of message holds; each column is an array of lists."""
        nested: list[tuple[_Descriptor, Any]] = []
        self._add_lists(kind, column, nested)
        self._check()
        if depth < NESTING_MAX:
            for child, values in nested:
                self._add_nested(child, values, depth + 1)

    def _add_lists(
        self, kind: _Descriptor, column: Callable[[int], Any], nested: list[tuple[_Descriptor, Any]]
    ) -> None:
        for i, field in enumerate(kind.fields):
            items = column(i).values
            if not len(items):
                continue
            if bucket := _BUCKETS.get(field.name):
                self.found[bucket] += len(items)
            if field.message_type is not None:
                self._add_lists(field.message_type, items.field, nested)
            elif child := _NESTED.get(field.name):
                nested.append((child, items))

    def _add_nested(self, kind: _Descriptor, values: pa.Array, depth: int) -> None:
        handler = _handlers.get_for_message(kind)
        try:
            batch = handler.array_to_record_batch(values)
        except ValueError:
            if len(values) == 1:
                self.found["values"] += len(values[0].as_buffer()) // 2
                self._check()
                return
            middle = len(values) // 2
            self._add_nested(kind, values.slice(0, middle), depth)
            self._add_nested(kind, values.slice(middle), depth)
            return
        self._add(kind, batch.column, depth)

    def add_large_message(
        self, kind: _Descriptor, data: bytes, start: int, end: int, depth: int
    ) -> None:
        """Count a large message: its large fields one by one, and what lies between in fragments.

        Raises:
            _MalformedError: the bytes are not protobuf.
        """
        run = at = start
        groups = 0  # that are open: within one, nothing is a field of this message
        left = self._limits.fields_max - self._fields
        while at < end:
            left -= 1
            if left < 0:
                self._refuse_fields()
            field_start = at
            tag, value_start, at = _field(data, at, end)
            if groups or tag & 7 in _GROUPS:
                groups += _GROUPS.get(tag & 7, 0)
                if groups < 0:
                    raise _MalformedError("a group ends that did not begin")
            elif at - value_start > FRAGMENT_BYTES_MAX:
                self._fields = self._limits.fields_max - left
                self._add_run(kind, data, run, field_start, depth)
                self._add_large_field(kind, tag >> 3, data, value_start, at, depth)
                left = self._limits.fields_max - self._fields
                run = at
            elif at - run > FRAGMENT_BYTES_MAX:
                self._add_run(kind, data, run, at, depth)
                run = at
        if groups:
            raise _MalformedError("a group does not end")
        self._fields = self._limits.fields_max - left
        self._add_run(kind, data, run, end, depth)

    def _add_run(self, kind: _Descriptor, data: bytes, start: int, end: int, depth: int) -> None:
        if end > start:
            self.add_messages(kind, [data[start:end]], depth)

    def _add_large_field(
        self, kind: _Descriptor, number: int, data: bytes, start: int, end: int, depth: int
    ) -> None:
        field = kind.fields_by_number.get(number)
        if field is None:
            return
        if bucket := _BUCKETS.get(field.name):
            self.found[bucket] += 1
        if field.message_type is not None:
            self.add_large_message(field.message_type, data, start, end, depth)
        elif (child := _NESTED.get(field.name)) and depth < NESTING_MAX:
            before = dict(self.found)
            try:
                self.add_large_message(child, data, start, end, depth + 1)
            except _MalformedError:  # refuses its span alone, once it is decoded
                self.found = before
                self.found["values"] += (end - start) // 2
        self._check()

    def _check(self) -> None:
        for name, number in self.found.items():
            bound, setting = _SETTINGS[name]
            allowed = getattr(self._limits, bound)
            if number > allowed:
                raise TooLarge(
                    f"a request of at least {number} {_WORDS.get(name, name)}, {allowed} allowed "
                    f"({setting}): send smaller batches"
                )

    def _refuse_fields(self) -> None:
        raise TooLarge(
            f"a request of over {self._limits.fields_max} fields, the most allowed "
            "(values_per_request_max): send smaller batches"
        )


def _field(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return a field's tag, where its value begins (after its length if it has one) and ends."""
    tag = data[at]
    at += 1
    if tag >= 0x80:
        tag, at = _varint(data, at - 1, end)
    if tag < 8:
        raise _MalformedError("a field has the number 0")
    start = at
    wire_type = tag & 7
    if wire_type == _BYTES:
        length = data[at] if at < end else 0x80
        start += 1
        if length >= 0x80:
            length, start = _varint(data, at, end)
        at = start + length
    elif wire_type == _VARINT:
        _, at = _varint(data, at, end)
    elif wire_type in _WIDTHS:
        at += _WIDTHS[wire_type]
    else:
        raise _MalformedError(f"a field has the wire type {wire_type}")
    if at > end:
        raise _MalformedError("a field ends after its message")
    return tag, start, at


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the number that begins at a place, and where it ends."""
    number = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift >= 70:
            raise _MalformedError("a number is longer than ten bytes")
    raise _MalformedError("a number ends after its message")
