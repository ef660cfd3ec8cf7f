"""Messages of the query API over gRPC: bounded before protobuf builds an object of each element.

gRPC parses a message in the event loop, where everybody waits for it. Two bytes are an empty score,
which takes 170 once it is parsed: 15 MiB of them would be 1.3 GB.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError, Message

from otel_threads.core.errors import InvalidQuery

MESSAGE_BYTES_MAX = 16 << 20  # as of a body of REST: a thousand scores with long reasons
FIELDS_MAX = 4_000  # of a message, elements of lists each; tags of 2,000 things have 3,050
_FIXED_BYTES = {1: 8, 5: 4}  # by wire type


@dataclass(frozen=True, slots=True)
class Refused:
    """Stands for a message that is not read; `checked` says why."""

    reason: str


def checked(request: Message | Refused) -> Message:
    """Return the message.

    Raises:
        InvalidQuery: it was not read; the text has the number and the bound.
    """
    if isinstance(request, Refused):
        raise InvalidQuery(request.reason)
    return request


class Bounded:
    """Stands before a `grpc_port.server.Server` while a service is added: its messages are bounded.

    A deserializer that raised would be an INTERNAL error, so that it returns `Refused`.
    """

    def __init__(self, server: Any) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Do nothing: generated code calls this beside `add_registered_method_handlers`."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """See `grpc_port.server.Server`."""
        bounded = {
            name: handler._replace(request_deserializer=reader(handler.request_deserializer))
            for name, handler in handlers.items()
        }
        self._server.add_registered_method_handlers(service, bounded)


def reader(parse: Callable[[bytes], Message]) -> Callable[[bytes], Message | Refused]:
    """Return a deserializer that refuses what costs more than its bytes."""

    def read(payload: bytes) -> Message | Refused:
        if len(payload) > MESSAGE_BYTES_MAX:
            return Refused(f"a message of {len(payload)} bytes; {MESSAGE_BYTES_MAX} are read")
        if has_more_fields(payload, FIELDS_MAX):
            return Refused(f"more than {FIELDS_MAX} fields in one message; send several")
        try:
            return parse(payload)
        except DecodeError:
            return Refused("the message is no protobuf of this method")

    return read


def has_more_fields(payload: bytes, fields_max: int) -> bool:
    """Return whether a message has more fields than that, those of messages inside not counted.

    What is cut or wrong counts up to there; whether it can be read is left to the parser. Groups,
    which no message of ours has, count as too many: protobuf descends into each.
    """
    at = count = 0
    while at < len(payload):
        count += 1
        if count > fields_max:
            return True
        tag, at = _varint(payload, at)
        kind = tag & 7
        if kind == 2:
            length, at = _varint(payload, at)
            at += length
        elif kind == 0:
            _, at = _varint(payload, at)
        elif kind in _FIXED_BYTES:
            at += _FIXED_BYTES[kind]
        else:
            return True
    return False


def _varint(payload: bytes, at: int) -> tuple[int, int]:
    """Return a number and the place behind it; the end of the payload where it is cut."""
    found = shift = 0
    while at < len(payload) and shift < 70:
        byte = payload[at]
        at += 1
        found |= (byte & 127) << shift
        if byte < 128:
            return found, at
        shift += 7
    return found, len(payload)
