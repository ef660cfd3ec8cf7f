"""OTLP/JSON into the same protobuf messages that the binary encoding gives.

OTLP's JSON is protobuf's JSON mapping with one exception: trace and span ids are hex, where
protobuf reads every `bytes` field as base64, and hex happens to be valid base64. So the ids are
rewritten first. Unknown fields are ignored and enums may be numbers, as the specification asks.

Source: OTLP specification 1.11, "JSON Protobuf Encoding".
"""

import base64
import functools
from dataclasses import dataclass
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_threads.core.errors import InvalidPayload, TooLarge
from otel_threads.core.model import Signal
from otel_threads.decode import repair
from otel_threads.decode.repair import Repaired

_MESSAGES: dict[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}
_IDS = ("trace_id", "span_id", "parent_span_id")
# protobuf's JSON reader looks for lone surrogates in each text, a quarter of a microsecond a letter
# and without a break: 60 MB took 8 s. orjson has refused those, so that longer texts go past it.
TEXT_LENGTH_MAX = 4096
# What Python's objects for a request's JSON may take, beside the texts in them. An attribute is two
# objects: 170,000 attributes, which take about as long as an exporter waits, 10 s.
TREE_BYTES_MAX = 96 * 1024 * 1024
OBJECT_BYTES, ITEM_BYTES = 232, 60  # of a dict with up to five keys; of what stands after a comma
_SCANNED_BYTES = 256 * 1024  # at a time: the interpreter is free for others in between


def tree_bytes(body: bytes) -> int:
    """Return an estimate of what Python's objects for a JSON text take, without its strings.

    Only brackets, braces and commas outside of strings are counted, nothing is read. Of what is no
    JSON the number means nothing.

    Raises:
        TooLarge: it is over TREE_BYTES_MAX; the rest was not looked at.
    """
    size_bytes = 0
    is_within = False  # a string
    rest = b""
    for start in range(0, len(body), _SCANNED_BYTES):
        part = rest + body[start : start + _SCANNED_BYTES]
        escapes = len(part) - len(part.rstrip(b"\\"))
        rest = b"\\" if escapes % 2 else b""  # what it escapes is in the next part
        part = part[: len(part) - len(rest)].replace(b"\\\\", b"").replace(b'\\"', b"")
        chunks = part.split(b'"')
        outside = b"".join(chunks[is_within::2])
        size_bytes += OBJECT_BYTES * outside.count(b"{")
        size_bytes += ITEM_BYTES * (outside.count(b"[") + outside.count(b","))
        is_within ^= len(chunks) % 2 == 0
        if size_bytes > TREE_BYTES_MAX:
            raise TooLarge(
                f"JSON whose objects take over {TREE_BYTES_MAX} bytes, the most allowed: "
                "send smaller batches, or protobuf"
            )
    return size_bytes


def to_wire(signal: Signal, body: bytes) -> bytes:
    """Return the protobuf bytes of a JSON request.

    Half a surrogate and bytes that are no UTF-8 become U+FFFD: the payload is a `Repaired` then.
    An id that is not hex becomes an id of wrong length, so that its span is refused alone.

    Raises:
        TooLarge: its objects would take too much memory; nothing was read.
        InvalidPayload: not JSON, or not of the message's shape; the text says where.
    """
    tree_bytes(body)
    name = _MESSAGES[signal].__name__
    try:
        tree, is_repaired = _loaded(body)
    except orjson.JSONDecodeError as error:
        raise InvalidPayload(f"not JSON: {error}") from None
    if not isinstance(tree, dict):
        raise InvalidPayload(f"not an {name}: a JSON object is needed")
    texts: list[_Text] = []
    try:
        _prepare(tree, _MESSAGES[signal].DESCRIPTOR, (), texts)
        message = json_format.ParseDict(tree, _MESSAGES[signal](), ignore_unknown_fields=True)
    except (json_format.ParseError, RecursionError, ValueError, TypeError) as error:
        raise InvalidPayload(f"not an {name}: {error}") from None
    del tree
    while texts:
        texts.pop().put_into(message)
    payload = message.SerializeToString()
    return Repaired(payload) if is_repaired else payload


def _loaded(body: bytes) -> tuple[Any, bool]:
    """Return what a JSON text holds, and whether characters of it had to be replaced.

    Raises:
        orjson.JSONDecodeError: no JSON, whatever its characters are.
    """
    try:
        return orjson.loads(body), False
    except orjson.JSONDecodeError:
        return orjson.loads(repair.json_bytes(body)), True


@dataclass(frozen=True, slots=True)
class _Text:
    """A long text that was taken out of the tree, and the names and numbers that lead to it."""

    path: tuple[str | int, ...]
    text: str

    def put_into(self, message: Any) -> None:
        *way, name = self.path
        for step in way:
            message = message[step] if isinstance(step, int) else getattr(message, step)
        setattr(message, str(name), self.text)


def _prepare(
    node: dict[str, Any], kind: Any, path: tuple[str | int, ...], texts: list[_Text]
) -> None:
    """Rewrite the ids below a node of a kind of message, and take long texts out of it."""
    fields = _fields(kind)
    for key, value in node.items():
        field = fields.get(key)
        if field is None:
            continue
        if isinstance(value, str):
            if field.name in _IDS:
                node[key] = _base64_of_hex(value)
            elif field.type == field.TYPE_STRING and len(value) > TEXT_LENGTH_MAX:
                texts.append(_Text((*path, field.name), value))
                node[key] = ""
        elif field.message_type is not None:
            _prepare_below(value, field, (*path, field.name), texts)


def _prepare_below(
    value: Any, field: FieldDescriptor, path: tuple[str | int, ...], texts: list[_Text]
) -> None:
    if isinstance(value, dict):
        _prepare(value, field.message_type, path, texts)
    elif isinstance(value, list):
        for i, child in enumerate(value):
            if isinstance(child, dict):
                _prepare(child, field.message_type, (*path, i), texts)


@functools.cache
def _fields(kind: Any) -> dict[str, FieldDescriptor]:
    """Return the fields of a kind of message by both names that JSON may use."""
    names = {field.json_name: field for field in kind.fields}
    return names | {field.name: field for field in kind.fields}


def _base64_of_hex(text: str) -> str:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b"?"  # one byte: refused as an id of wrong length
    return base64.b64encode(raw).decode()
