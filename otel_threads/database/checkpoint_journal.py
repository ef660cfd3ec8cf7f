"""Keeps what a checkpoint of DuckDB writes over in place, until the checkpoint is through.

DuckDB packs its metadata into blocks of 256 KiB and rewrites a whole block when it needs free room
in it. Killed in the middle of such a write, a process leaves a block with a wrong checksum, and a
file that nobody can open any more. So these blocks are copied to `<database>.fold` first, and
restored at the next opening where the checkpoint did not come to its end: where the headers of the
file, which it writes last, are still the same.

Copies are made on tested versions of DuckDB alone (`duckdb_versions.py`). They are restored on any
version: a tested one wrote them.
"""

import contextlib
import fcntl
import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import duckdb

from otel_threads import durable
from otel_threads.database import duckdb_versions
from otel_threads.database.file_watch import descriptor_of

MAGIC = b"otel-threads fold 1\n"  # of files that older programs left, too; so is their name
HEADERS_AT, HEADERS_BYTES = 4096, 8192  # two, written in turn: DuckDB's storage format
BLOCKS_AT = HEADERS_AT + HEADERS_BYTES
DIGEST_BYTES = 32
_PLACE = struct.Struct("<QQ")  # of a block: where it stands, how long it is


@contextlib.contextmanager
def kept(path: str, cursor: duckdb.DuckDBPyConnection, catalog: str) -> Iterator[None]:
    """Keep copies while the caller makes a checkpoint; they stay where it fails.

    Raises:
        OSError: the copies could not be written; there must be no checkpoint then.
    """
    if not duckdb_versions.is_tested():
        yield
        return
    copies = _copies(path)
    descriptor = descriptor_of(path)
    if descriptor is not None:  # None: a system that does not tell what is open
        headers = os.pread(descriptor, HEADERS_BYTES, HEADERS_AT)
        if _headers_in(copies) != headers:
            found = cursor.execute(
                "select block_id, (select any_value(block_size) from pragma_database_size()"
                " where database_name = $catalog) from pragma_metadata_info($catalog)",
                {"catalog": catalog},
            ).fetchall()
            places = [(BLOCKS_AT + number * size, size) for number, size in sorted(found)]
            _write(copies, descriptor, headers, places)
    yield
    copies.unlink(missing_ok=True)


def restore(path: str) -> bool:
    """Restore copies that a killed checkpoint left, before the file is opened.

    Returns whether there was something to restore. Does nothing while anybody has the file open.
    """
    copies = _copies(path)
    # Closing a handle of a file that this process has open would drop DuckDB's lock on it.
    if not copies.exists() or not Path(path).exists() or descriptor_of(path) is not None:
        return False
    with Path(path).open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        content = copies.read_bytes()
        body, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
        file.seek(HEADERS_AT)
        is_open = _digest(body) == digest and file.read(HEADERS_BYTES) == _headers_of(body)
        at = len(MAGIC) + HEADERS_BYTES
        while is_open and at < len(body):
            place, size = _PLACE.unpack_from(body, at)
            at += _PLACE.size
            file.seek(place)
            file.write(body[at : at + size])
            at += size
        file.flush()
        os.fsync(file.fileno())
    copies.unlink()
    return is_open


def _copies(path: str) -> Path:
    return Path(f"{path}.fold")


def _write(copies: Path, descriptor: int, headers: bytes, places: list[tuple[int, int]]) -> None:
    partial = copies.with_name(f"{copies.name}.partial")
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    with partial.open("wb") as file:
        for part in _parts(descriptor, headers, places):
            digest.update(part)
            file.write(part)
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())
    durable.replace(partial, copies)


def _parts(descriptor: int, headers: bytes, places: list[tuple[int, int]]) -> Iterator[bytes]:
    yield MAGIC + headers
    for place, size in places:
        block = os.pread(descriptor, size, place)
        if len(block) == size:  # else it was never written
            yield _PLACE.pack(place, size) + block


def _headers_in(copies: Path) -> bytes | None:
    with contextlib.suppress(OSError), copies.open("rb") as file:
        return _headers_of(file.read(len(MAGIC) + HEADERS_BYTES))
    return None


def _headers_of(body: bytes) -> bytes:
    return body[len(MAGIC) : len(MAGIC) + HEADERS_BYTES] if body.startswith(MAGIC) else b""


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest()
