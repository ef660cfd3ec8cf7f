"""Requests without their compression, up to a limit: nothing beyond it is decompressed."""

import io
import zlib

import zstandard

from otel_threads.errors import InvalidPayload, TooLarge
from otel_threads.receive.status import UnsupportedType

ENCODINGS = ("identity", "gzip", "deflate", "zstd")  # as grpc-encoding and content-encoding say


def decompress(body: bytes, encoding: str, bytes_max: int) -> bytes:
    """Return the body without its content encoding.

    Raises:
        TooLarge: it would be more than `bytes_max`; nothing beyond that is decompressed.
        InvalidPayload: it is not what the encoding says.
        UnsupportedType: the encoding is none of gzip, deflate, zstd.
    """
    match encoding:
        case "" | "identity":
            plain = body
        case "gzip" | "x-gzip":
            plain = _inflate(body, encoding, bytes_max, wbits=31)
        case "deflate":
            # Some senders leave out zlib's header, as browsers have long put up with.
            raw = not (len(body) >= 2 and body[0] & 15 == 8 and (body[0] * 256 + body[1]) % 31 == 0)
            plain = _inflate(body, encoding, bytes_max, wbits=-15 if raw else 15)
        case "zstd":
            plain = _unzstd(body, bytes_max)
        case _:
            raise UnsupportedType(
                f"content-encoding {encoding!r} is not supported: send gzip, deflate, zstd or none"
            )
    if len(plain) > bytes_max:
        raise TooLarge(f"over {bytes_max} bytes after decompression, the most allowed")
    return plain


def _inflate(body: bytes, encoding: str, bytes_max: int, *, wbits: int) -> bytes:
    parts, left, rest = [], bytes_max + 1, body
    try:
        while rest and left > 0:  # gzip allows several members one after the other
            inflater = zlib.decompressobj(wbits)
            part = inflater.decompress(rest, left)
            parts.append(part)
            left -= len(part)
            if left > 0 and not inflater.eof:
                raise InvalidPayload(f"the {encoding} body ends before its data does")
            rest = inflater.unused_data
    except zlib.error as error:
        raise InvalidPayload(f"the body is not {encoding}: {error}") from None
    return b"".join(parts)


def _unzstd(body: bytes, bytes_max: int) -> bytes:
    try:
        with zstandard.ZstdDecompressor(max_window_size=bytes_max).stream_reader(
            io.BytesIO(body), read_across_frames=True
        ) as reader:
            parts, left = [], bytes_max + 1
            while left > 0 and (part := reader.read(min(left, 1 << 20))):
                parts.append(part)
                left -= len(part)
            return b"".join(parts)
    except zstandard.ZstdError as error:
        raise InvalidPayload(f"the body is not zstd: {error}") from None
