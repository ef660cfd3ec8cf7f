"""The headers of calls: whole blocks out of frames, and requests out of blocks.

Source: RFC 9113, sections 6.10 and 8.2; RFC 7541 by hpack.
"""

from collections.abc import Iterable
from typing import NamedTuple

from hpack import Decoder, HPACKError, OversizedHeaderListError

from otel_threads.receive import frames
from otel_threads.receive.frames import Broken, ErrorCode

HEADER_BYTES_MAX = 16 * 1024  # of one call, decoded as well as not; as gRPC allows
FRAMES_MAX = 32
PSEUDO_HEADERS = frozenset((b":method", b":scheme", b":path", b":authority"))
NEEDED_HEADERS = (":method", ":scheme", ":path")
HTTP1_HEADERS = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
)

Fields = Iterable[tuple[bytes, bytes]]


class Block(NamedTuple):
    """The headers, or trailers, of one stream."""

    stream_id: int
    ends_stream: bool
    fields: Fields


class HeaderReader:
    """Puts the header blocks of one connection together and decodes them, in their order."""

    def __init__(self) -> None:
        """Begin with an empty table."""
        self._decoder = Decoder(max_header_list_size=HEADER_BYTES_MAX)
        self._ends_stream = False
        self._parts: list[bytes] = []
        self._size_bytes = 0
        self.open_stream: int | None = None  # whose block is not whole

    def begin(self, flags: int, stream_id: int, body: bytes) -> Block | None:
        """Take a HEADERS frame; return its block if that is whole.

        Raises:
            Broken: it is not what RFC 9113 prescribes, or larger than is allowed.
        """
        body = frames.without_padding(flags, body)
        if flags & frames.WITH_PRIORITY:
            if len(body) < 5:
                raise Broken(ErrorCode.FRAME_SIZE_ERROR, "HEADERS end before their priority does")
            if frames.U32.unpack_from(body)[0] & frames.WINDOW_MAX == stream_id:
                raise Broken(ErrorCode.PROTOCOL_ERROR, "a stream depends on itself")
            body = body[5:]
        self.open_stream = stream_id
        self._ends_stream = bool(flags & frames.END_STREAM)
        return self._add(flags, body)

    def go_on(self, flags: int, body: bytes) -> Block | None:
        """As `begin`, of a CONTINUATION frame."""
        if self.open_stream is None:
            raise Broken(ErrorCode.PROTOCOL_ERROR, "a CONTINUATION continues nothing")
        return self._add(flags, body)

    def _add(self, flags: int, part: bytes) -> Block | None:
        self._parts.append(part)
        self._size_bytes += len(part)
        if self._size_bytes > HEADER_BYTES_MAX or len(self._parts) > FRAMES_MAX:
            raise Broken(ErrorCode.ENHANCE_YOUR_CALM, f"headers of over {HEADER_BYTES_MAX} bytes")
        if not flags & frames.END_HEADERS:
            return None
        encoded = b"".join(self._parts)
        stream_id, self.open_stream = self.open_stream, None
        self._parts, self._size_bytes = [], 0
        assert stream_id is not None
        try:
            fields = self._decoder.decode(encoded, raw=True)
        except OversizedHeaderListError as error:
            raise Broken(ErrorCode.ENHANCE_YOUR_CALM, str(error)) from None
        except HPACKError as error:
            raise Broken(ErrorCode.COMPRESSION_ERROR, str(error)) from None
        return Block(stream_id, self._ends_stream, fields)


def request(fields: Fields) -> dict[str, str] | None:
    """Return the headers of a request by name, the last of each; None if they are malformed."""
    headers: dict[str, str] = {}
    is_regular = False
    for name, text in fields:
        if name[:1] == b":":
            if is_regular or name not in PSEUDO_HEADERS or name.decode() in headers:
                return None
        else:
            is_regular = True
            if name != name.lower() or name in HTTP1_HEADERS:
                return None
            if name == b"te" and text != b"trailers":
                return None
        headers[name.decode("latin-1")] = text.decode("latin-1")
    return headers if all(headers.get(name) for name in NEEDED_HEADERS) else None


def are_trailers(fields: Fields) -> bool:
    """Return whether these may stand at the end of a request."""
    return not any(name.startswith(b":") or name != name.lower() for name, _ in fields)
