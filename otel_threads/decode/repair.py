"""Requests with characters that are none: replaced by U+FFFD, so that they cost nothing else.

JavaScript cuts texts between the halves of an emoji, and C++ senders pass bytes on as text. One
such character made a whole batch unreadable. Only requests that could not be read come here.

Source: RFC 3629 (UTF-8); RFC 8259, section 8.2 (lone surrogates); protobuf's wire format.
"""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from otel_threads.json_repair import whole_letters

DEPTH_MAX = 100  # of messages within messages, as protobuf itself reads
NOTE = "characters that are not valid Unicode were replaced by U+FFFD"


class Repaired(bytes):
    """A payload in which characters were replaced; its sender is told NOTE."""

    __slots__ = ()


def json_bytes(body: bytes) -> bytes:
    """Return JSON with U+FFFD in place of halves of surrogates, and of bytes that are no UTF-8."""
    return whole_letters(body.decode("utf-8", "replace")).encode()


def wire_bytes(payload: bytes, kind: Descriptor, depth: int = 0) -> bytes:
    """Return a protobuf message with U+FFFD in place of bytes in its texts that are no UTF-8.

    Raises:
        ValueError: the bytes are no message of this kind, whatever its texts hold.
    """
    if depth > DEPTH_MAX:
        raise ValueError(f"messages nested deeper than {DEPTH_MAX}")
    made: list[bytes] = []
    for number, head, value in _fields(payload):
        field = kind.fields_by_number.get(number)
        if value is None or field is None:
            made.append(head)
            continue
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type is not None:
            value = wire_bytes(value, field.message_type, depth + 1)
        elif field.type == FieldDescriptor.TYPE_STRING:
            value = value.decode("utf-8", "replace").encode()
        made += [_varint(number << 3 | 2), _varint(len(value)), value]
    return b"".join(made)


def _fields(payload: bytes) -> Iterator[tuple[int, bytes, bytes | None]]:
    """Yield each field's number; its bytes, or for one with a length what these hold."""
    place = 0
    while place < len(payload):
        start = place
        key, place = _read_varint(payload, place)
        match key & 7:
            case 0:
                _, place = _read_varint(payload, place)
            case 1:
                place += 8
            case 5:
                place += 4
            case 2:
                length, place = _read_varint(payload, place)
                if place + length > len(payload):
                    raise ValueError("a field ends after its message")
                yield key >> 3, b"", payload[place : place + length]
                place += length
                continue
            case kind:
                raise ValueError(f"a field has the wire type {kind}")
        if place > len(payload):
            raise ValueError("a field ends after its message")
        yield key >> 3, payload[start:place], None


def _read_varint(payload: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(payload) and shift < 70:
        byte = payload[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
    raise ValueError("a number has no end")


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
