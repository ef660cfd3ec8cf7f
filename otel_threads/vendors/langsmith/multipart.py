"""Bodies of multipart/form-data in which each part is named, not filed: runs and their fields.

Parts may carry a `Content-Length`, a `length` in their media type, or neither. A part that cannot
be read is left out, by name; the others stay.

Source: RFC 7578; the LangSmith SDKs, Python (requests-toolbelt) and JavaScript (chunked).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from otel_threads.core.errors import InvalidPayload, TooLarge

PARTS_MAX = 20_000  # of a request: the SDKs send 100 runs of 8 parts, and attachments
HEADER_BYTES_MAX = 16 * 1024  # of a part: its name and media type
BOUNDARY_LENGTH_MAX = 200  # RFC 2046 allows 70


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its field's name, its media type without parameters, its bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands in place of a part that cannot be read: which, and why."""

    fault: str


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a Content-Type names.

    Raises:
        InvalidPayload: it is not multipart/form-data, or names none.
    """
    header = _header(content_type)
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise InvalidPayload("send multipart/form-data with a boundary")
    if not 1 <= len(boundary) <= BOUNDARY_LENGTH_MAX or not boundary.isascii():
        raise InvalidPayload(f"a boundary has 1 to {BOUNDARY_LENGTH_MAX} ASCII characters")
    return boundary.encode()


def parts(body: bytes, boundary: bytes) -> Iterator[Part | Unreadable]:
    """Yield the parts of a body, in order. What stands after the final boundary is no part.

    Raises:
        InvalidPayload: the boundary is nowhere in it. TooLarge: it has more than PARTS_MAX parts.
    """
    line = b"--" + boundary
    delimiter = b"\r\n" + line
    at = 0 if body.startswith(line) else body.find(delimiter)
    if at < 0:
        raise InvalidPayload("the body does not hold the boundary that its Content-Type names")
    at += len(line) + (0 if body.startswith(line) else 2)
    count = 0
    while body[at : at + 2] == b"\r\n":
        count += 1
        if count > PARTS_MAX:
            raise TooLarge(f"more than {PARTS_MAX} parts in one request")
        found, end = _part(body, at, count, delimiter)
        yield found
        if end < 0:
            return
        at = end + len(delimiter)
    if body[at : at + 2] != b"--":
        yield Unreadable(f"what follows part {count}: its boundary is not the final one")


def _part(body: bytes, at: int, number: int, delimiter: bytes) -> tuple[Part | Unreadable, int]:
    """Return the part behind a boundary and where it ends, -1 where the body ends before."""
    start = at + 2
    headers_end = body.find(b"\r\n\r\n", at, start + HEADER_BYTES_MAX)
    if headers_end < 0:
        fault = f"part {number}: its header does not end within {HEADER_BYTES_MAX} bytes"
        return Unreadable(fault), body.find(delimiter, start)
    headers = _headers(body[start:headers_end])
    name = headers.get_param("name", header="content-disposition")
    end = _end(body, headers_end + 4, headers, delimiter)
    if not isinstance(name, str) or not name:
        return Unreadable(f"part {number}: it has no name"), end
    if end < 0:
        return Unreadable(f"{name[:100]}: the body ends without a boundary behind it"), end
    return Part(name, headers.get_content_type(), body[headers_end + 4 : end]), end


def _end(body: bytes, start: int, headers: Message, delimiter: bytes) -> int:
    """Return where a part's content ends: where its length says, if a boundary stands there."""
    for told in (headers.get_param("length"), headers.get("content-length")):
        if isinstance(told, str) and told.isascii() and told.isdecimal() and len(told) < 12:
            end = start + int(told)
            if body.startswith(delimiter, end):
                return end
    return body.find(delimiter, start)


def _header(content_type: str) -> Message:
    message = Message()
    message["content-type"] = content_type
    return message


def _headers(text: bytes) -> Message:
    """Return a part's headers; lines that are none are left out."""
    message = Message()
    for line in text.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon and name.strip().isascii():
            message[name.strip().lower()] = value.strip()
    return message
