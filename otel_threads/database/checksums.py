"""Compares the blocks of a DuckDB file with their checksums, two gigabytes a second.

DuckDB compares a block when it reads one, and counting rows reads next to none. To read every value
in SQL is a hundred times the work; it has the last word where a block differs here, and is all that
is done on a version of DuckDB that is not tested (`duckdb_versions.py`).
"""

from pathlib import Path

import numpy as np

HEADERS_BYTES = 3 * 4096  # the file's own and two of its content; DuckDB compares them as it opens
# What DuckDB has before each block: its words times this, and the start, all of them exclusive-or.
FACTOR, START = np.uint64(0xBF58476D1CE4E5B9), np.uint64(5381)
READ_BYTES = 4 << 20


def differing(file: Path, block_bytes: int) -> list[int]:
    """Return where blocks begin that differ from their checksum, in bytes, in their order.

    Blocks that are free are looked at, too, and one that was never written differs.

    Raises:
        OSError: the file cannot be read.
    """
    found = []
    at = HEADERS_BYTES
    with file.open("rb") as reading:
        reading.seek(at)
        while blocks := reading.read(READ_BYTES // block_bytes * block_bytes):
            whole = len(blocks) // block_bytes * block_bytes
            words = np.frombuffer(blocks[:whole], "<u8").reshape(-1, block_bytes // 8)
            sums = np.bitwise_xor.reduce(words[:, 1:] * FACTOR, axis=1) ^ START
            found += [at + int(i) * block_bytes for i in np.flatnonzero(sums != words[:, 0])]
            if whole < len(blocks):  # the end of the file is not a block's
                found.append(at + whole)
            at += len(blocks)
    return found
