"""Decompression stops at the limit, is linear in its input, and finds what is cut off."""

import gzip
import random
import zlib

import pytest
import zstandard

from otel_threads.core.errors import InvalidPayload, TooLarge
from otel_threads.receive import compression
from otel_threads.receive.compression import MEMBERS_MAX, decompress

DICE = random.Random(7)
TEXTS = [b"", b"a", b"hello " * 100, DICE.randbytes(5000), DICE.randbytes(200_000), bytes(300_000)]
PACKERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "zlib": zlib.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("encoding", PACKERS)
@pytest.mark.parametrize("text", TEXTS, ids=len)
def test_the_body_comes_back_also_when_it_has_several_parts(encoding, text):
    packed = PACKERS[encoding](text)
    assert decompress(packed, encoding, 1 << 20) == text
    assert decompress(packed * 3, encoding, 1 << 20) == text * 3


def test_deflate_without_its_header_is_read_too():
    packer = zlib.compressobj(wbits=-15)
    assert decompress(packer.compress(b"hello") + packer.flush(), "deflate", 100) == b"hello"


@pytest.mark.parametrize("encoding", PACKERS)
@pytest.mark.parametrize("text", TEXTS[1:4], ids=len)
def test_a_body_that_is_cut_off_is_refused(encoding, text):
    """A zstd body was once taken for empty then, and answered with success."""
    packed = PACKERS[encoding](text)
    for length in {1, 5, len(packed) // 2, len(packed) - 4, len(packed) - 1} & {
        *range(1, len(packed))
    }:
        with pytest.raises(InvalidPayload, match=f"{encoding}"):
            decompress(packed[:length], encoding, 1 << 20)


@pytest.mark.parametrize("encoding", PACKERS)
def test_the_limit_itself_is_allowed_and_one_byte_more_is_not(encoding):
    packed = PACKERS[encoding](bytes(2_500_000))
    assert len(decompress(packed, encoding, 2_500_000)) == 2_500_000
    with pytest.raises(TooLarge, match="over 2499999 bytes after decompression"):
        decompress(packed, encoding, 2_499_999)


@pytest.mark.parametrize("encoding", PACKERS)
def test_what_is_decompressed_is_reserved_part_by_part(encoding):
    class FullError(Exception):
        pass

    reserved = []

    def reserve(size_bytes: int) -> None:
        if sum(reserved) + size_bytes > 3 << 20:
            raise FullError
        reserved.append(size_bytes)

    with pytest.raises(FullError):
        decompress(PACKERS[encoding](bytes(64 << 20)), encoding, 64 << 20, reserve=reserve)
    assert 1 << 20 < sum(reserved) <= 3 << 20
    assert max(reserved) <= compression.OUTPUT_BYTES + len(compression.END)


def test_gzip_members_have_a_bound():
    one = gzip.compress(b"a")
    assert decompress(one * MEMBERS_MAX, "gzip", 1 << 20) == b"a" * MEMBERS_MAX
    with pytest.raises(TooLarge, match=f"over {MEMBERS_MAX} gzip members"):
        decompress(one * (MEMBERS_MAX + 1), "gzip", 1 << 20)


def test_a_member_copies_no_more_of_what_follows_than_a_step(monkeypatch):
    """What zlib did not use it copied for each member: all of the rest, quadratic in their number."""
    fed = []

    class Counting:
        def __init__(self, wbits):
            self._inflater = zlib.decompressobj(wbits)

        def decompress(self, data, length):
            fed.append(len(data))
            return self._inflater.decompress(data, length)

        def __getattr__(self, name):
            return getattr(self._inflater, name)

    class Zlib:
        error = zlib.error
        decompressobj = Counting

    monkeypatch.setattr(compression, "zlib", Zlib)
    body = gzip.compress(b"a") * 1000
    decompress(body, "gzip", 1 << 20)
    assert sum(fed) <= 1000 * compression.INPUT_BYTES_MIN


def test_a_zstd_window_above_the_limit_is_told_with_the_limit():
    wide = zstandard.ZstdCompressionParameters.from_level(
        3, window_log=27, write_content_size=False
    )
    compressor = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    body = compressor.compress(b"x" * 1000) + compressor.flush()

    with pytest.raises(TooLarge, match=r"window of over 67108864 bytes.*request_bytes_max"):
        decompress(body, "zstd", 64 << 20)
    assert decompress(body, "zstd", 128 << 20) == b"x" * 1000
