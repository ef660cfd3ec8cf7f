"""HTTP/2 on the wire: frames, error codes, settings, and header blocks to send.

Header blocks that come are hpack's to read. Those that go are literals, which need no table.

Source: RFC 9113, sections 4, 6 and 7; RFC 7541, sections 5.1, 6.1 and 6.2.2.
"""

import enum
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = struct.Struct(">HBBBI")  # of a frame: length in 16 and 8 bits, kind, flags, stream
HEAD_BYTES = HEAD.size
SETTING = struct.Struct(">HI")
U32 = struct.Struct(">I")
WINDOW_MAX = 2**31 - 1
WINDOW = 65535  # before it is said otherwise
FRAME_BYTES = 16384  # that any peer takes

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE = range(9)
CONTINUATION = 9

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20

ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = range(2, 6)
MAX_HEADER_LIST_SIZE = 6


class ErrorCode(enum.IntEnum):
    """Why a stream or a connection ends, in the words of RFC 9113, section 7."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class Broken(Exception):
    """A client broke the protocol in a way that ends its connection."""

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def frame(kind: int, flags: int, stream_id: int, body: bytes = b"") -> bytes:
    """Return a frame's bytes."""
    size = len(body)
    return HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream_id) + body


def settings(values: dict[int, int]) -> bytes:
    """Return a SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(SETTING.pack(*pair) for pair in values.items()))


def header_block(*fields: tuple[bytes, bytes]) -> bytes:
    """Return fields, names in lower case, as literals that no table keeps."""
    return b"".join(
        b"\x00" + _integer(len(name)) + name + _integer(len(text)) + text for name, text in fields
    )


def without_padding(flags: int, body: bytes) -> bytes:
    """Return what a DATA or HEADERS frame holds besides its padding.

    Raises:
        Broken: it says that it is padded with more than there is.
    """
    if not flags & PADDED:
        return body
    if not body or body[0] >= len(body):
        raise Broken(ErrorCode.PROTOCOL_ERROR, "a frame has more padding than bytes")
    return body[1 : len(body) - body[0]]


def _integer(number: int) -> bytes:
    """Return a length, in seven bits and what more it needs."""
    if number < 127:
        return bytes((number,))
    number -= 127
    more = bytearray(b"\x7f")
    while number >= 128:
        more.append(number & 127 | 128)
        number >>= 7
    more.append(number)
    return bytes(more)
