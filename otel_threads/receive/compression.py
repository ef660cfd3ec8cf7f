"""Requests without their compression, up to a limit: nothing beyond it is decompressed.

The work is linear in the body. A body of many small parts is no exception: gzip's members and
zlib's streams are read in small steps, because zlib copies what follows a part.
"""

import io
import zlib
from collections.abc import Callable

import zstandard

from otel_threads.core.errors import InvalidPayload, TooLarge
from otel_threads.receive.status import UnsupportedType

ENCODINGS = ("identity", "gzip", "deflate", "zstd")  # as grpc-encoding and content-encoding say
OUTPUT_BYTES = 1024 * 1024  # decompressed at a time
# What zlib is given at a time. It copies what it has not used at the end of each gzip member, so
# that the first step into a member is small.
INPUT_BYTES_MIN, INPUT_BYTES_MAX = 1024, 64 * 1024
# gzip members or zlib streams of one body. Senders write one; tools for seekable files one for each
# 64 KiB. Each costs 10 microseconds, so that empty ones would take half a minute of 64 MiB.
MEMBERS_MAX = 10_000
# zstandard's reader takes a frame that is cut off for its end. So a frame of ours comes last: it is
# read whole only if the body's last one was. Its bytes do not end with what it holds.
END = b"\xa5" * 32
END_FRAME = zstandard.compress(END)


def decompress(
    body: bytes,
    encoding: str,
    bytes_max: int,
    *,
    reserve: Callable[[int], None] = lambda size_bytes: None,
) -> bytes:
    """Return the body without its content encoding.

    `reserve` is called with the bytes of each part before the next is decompressed; what it raises
    ends the work.

    Raises:
        TooLarge: it would be more than `bytes_max`, needs a zstd window of more, or has more than
            MEMBERS_MAX gzip members; nothing beyond that is decompressed.
        InvalidPayload: it is not what the encoding says.
        UnsupportedType: the encoding is none of gzip, deflate, zlib, zstd.
    """
    output = _Output(bytes_max, reserve)
    match encoding:
        case "" | "identity":
            if len(body) > bytes_max:
                raise TooLarge(f"a body of {len(body)} bytes, {bytes_max} allowed")
            return body
        case "gzip" | "x-gzip":
            _inflate(body, encoding, output, wbits=31)
        case "deflate" | "zlib":
            # Some senders leave out zlib's header, as browsers have long put up with.
            raw = not (len(body) >= 2 and body[0] & 15 == 8 and (body[0] * 256 + body[1]) % 31 == 0)
            _inflate(body, encoding, output, wbits=-15 if raw else 15)
        case "zstd":
            _unzstd(body, output)
        case _:
            raise UnsupportedType(
                f"content-encoding {encoding!r} is not supported: send gzip, deflate, zstd or none"
            )
    return output.taken()


class _Output:
    """What was decompressed, within a limit."""

    def __init__(self, bytes_max: int, reserve: Callable[[int], None]) -> None:
        self.bytes_max = bytes_max
        self._reserve = reserve
        self._parts = io.BytesIO()  # hands out its buffer without a copy

    @property
    def next_bytes(self) -> int:
        """How much to decompress next: one byte over the limit at most, which says it is over."""
        return min(OUTPUT_BYTES, self.bytes_max + 1 - self._parts.tell())

    def add(self, part: bytes) -> None:
        if self._parts.tell() + len(part) > self.bytes_max:
            raise TooLarge(
                f"over {self.bytes_max} bytes after decompression, the most allowed "
                "(request_bytes_max)"
            )
        self._reserve(len(part))
        self._parts.write(part)

    def taken(self) -> bytes:
        return self._parts.getvalue()


def _inflate(body: bytes, encoding: str, output: _Output, *, wbits: int) -> None:
    at = members = 0
    try:
        while at < len(body):  # gzip allows several members one after the other
            members += 1
            if members > MEMBERS_MAX:
                raise TooLarge(f"over {MEMBERS_MAX} {encoding} members, the most allowed in a body")
            at = _inflate_member(body, at, encoding, output, wbits)
    except zlib.error as error:
        raise InvalidPayload(f"the body is not {encoding}: {error}") from None


def _inflate_member(body: bytes, at: int, encoding: str, output: _Output, wbits: int) -> int:
    """Decompress the member that begins at a place; return where it ends."""
    inflater = zlib.decompressobj(wbits)
    step_bytes = INPUT_BYTES_MIN
    while True:
        given = body[at : at + step_bytes]
        at += len(given)
        part = inflater.decompress(given, output.next_bytes)
        while part:
            output.add(part)
            # What zlib holds back comes without input too, a few hundred bytes at most.
            part = inflater.decompress(inflater.unconsumed_tail, output.next_bytes)
        if inflater.eof:
            return at - len(inflater.unused_data)
        if at == len(body):
            raise InvalidPayload(f"the {encoding} body ends before its data does")
        step_bytes = min(2 * step_bytes, INPUT_BYTES_MAX)


def _unzstd(body: bytes, output: _Output) -> None:
    decompressor = zstandard.ZstdDecompressor(max_window_size=output.bytes_max)
    held = b""
    try:
        with decompressor.stream_reader(body + END_FRAME, read_across_frames=True) as reader:
            while part := reader.read(output.next_bytes + len(END)):
                held += part
                output.add(held[: -len(END)])
                held = held[-len(END) :]
    except zstandard.ZstdError as error:
        if "memory" in str(error):  # what zstd says of a window: it has no error of its own
            raise TooLarge(
                f"a zstd window of over {output.bytes_max} bytes, the most allowed "
                "(request_bytes_max)"
            ) from None
        raise InvalidPayload(f"the body is not zstd: {error}") from None
    if held != END:
        raise InvalidPayload("the zstd body ends before its data does")
