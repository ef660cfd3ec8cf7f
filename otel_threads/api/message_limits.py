"""Messages of the query API over gRPC: bounded before protobuf builds an object of each element.

gRPC parses a message in the event loop, where everybody waits for it. So a message stays bytes
until a thread of the queries reads it. Two bytes are an empty score, which takes 170 once it is
parsed: 15 MiB of them would be 1.3 GB.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message

from otel_threads.core.errors import InvalidQuery

MESSAGE_BYTES_MAX = 16 << 20  # as of a body of REST: a thousand scores with long reasons
# Of a message and of those inside it, elements of lists each. A member of a JSON object is four
# here and two of the 50,000 values of REST.
FIELDS_MAX = 100_000
MORE_FIELDS_MAX = {"CreateDataset": 400_000}  # as REST takes more values of a data set
FIELD_BYTES_MIN = 2
_FIXED_BYTES = {1: 8, 5: 4}  # by wire type


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it came."""

    payload: bytes
    descriptor: Descriptor
    parse: Callable[[bytes], Message]
    fields_max: int = FIELDS_MAX

    def read(self) -> Message:
        """Return the message; takes up to some hundred milliseconds.

        Raises:
            InvalidQuery: it costs more than is read, with the bound; or it is none.
        """
        if len(self.payload) > MESSAGE_BYTES_MAX:
            raise InvalidQuery(
                f"a message of {len(self.payload)} bytes; {MESSAGE_BYTES_MAX} are read"
            )
        if has_more_fields(self.payload, self.descriptor, self.fields_max):
            raise InvalidQuery(f"more than {self.fields_max} fields in one message; send several")
        try:
            return self.parse(self.payload)
        except DecodeError:
            raise InvalidQuery("the message is no protobuf of this method") from None


class Bounded:
    """Stands before a `grpc_port.server.Server` while a service is added: its messages are `Sent`.

    A deserializer that raised would be an INTERNAL error.
    """

    def __init__(self, server: Any) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Do nothing: generated code calls this beside `add_registered_method_handlers`."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """See `grpc_port.server.Server`."""
        methods = descriptor_pool.Default().FindServiceByName(service).methods_by_name
        bounded = {}
        for name, handler in handlers.items():
            sent = functools.partial(
                Sent,
                descriptor=methods[name].input_type,
                parse=handler.request_deserializer,
                fields_max=MORE_FIELDS_MAX.get(name, FIELDS_MAX),
            )
            bounded[name] = handler._replace(request_deserializer=sent)
        self._server.add_registered_method_handlers(service, bounded)


def has_more_fields(payload: bytes, descriptor: Descriptor, fields_max: int) -> bool:
    """Return whether a message has more fields than that, those of messages inside included.

    What is cut or wrong counts up to there; whether it can be read is left to the parser. Groups,
    which no message of ours has, count as too many: protobuf descends into each.
    """
    if len(payload) <= FIELD_BYTES_MIN * fields_max:
        fields_max = len(payload)  # only groups are looked for
    count = 0
    inside = [(0, len(payload), descriptor)]
    while inside:
        at, end, kind = inside.pop()
        messages = _messages_of(kind)
        while at < end:
            count += 1
            if count > fields_max:
                return True
            tag, at = _varint(payload, at)
            wire = tag & 7
            if wire == 2:
                length, at = _varint(payload, at)
                if tag >> 3 in messages:
                    inside.append((at, min(at + length, end), messages[tag >> 3]))
                at += length
            elif wire == 0:
                _, at = _varint(payload, at)
            elif wire in _FIXED_BYTES:
                at += _FIXED_BYTES[wire]
            else:
                return True
    return False


@functools.cache
def _messages_of(descriptor: Descriptor) -> Mapping[int, Descriptor]:
    """Return what is a message of a message, by the field's number."""
    return {one.number: one.message_type for one in descriptor.fields if one.message_type}


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
