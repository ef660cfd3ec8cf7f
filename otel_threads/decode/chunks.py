"""Cuts very long values into chunks, and what is no content down to its first chunk.

DuckDB reads and checkpoints 2,048 values of a column at once, whatever their size: a run of images
or documents of some megabytes would not fit in its memory, and it would invalidate the database.
Names and keys of that size are no use to anybody, but must not do that either.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHUNK_BYTES_MAX = 16 * 1024  # 2,048 of them are 32 MiB, of the 128 that DuckDB has
ITEM_BYTES_MAX = 4096  # of a list of names, which may have many; an id may have 1,000 characters


def cut(text: str, bytes_max: int = CHUNK_BYTES_MAX) -> list[str]:
    """Return a text in chunks of so many bytes of UTF-8 at most; no character is torn."""
    data = text.encode("utf-8", "surrogatepass")
    found, start = [], 0
    while start < len(data):
        end = min(start + bytes_max, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        found.append(data[start:end].decode("utf-8", "surrogatepass"))
        start = end
    return found


def beginning(text: str, bytes_max: int = CHUNK_BYTES_MAX) -> str:
    """Return a text that is within a length, else its first chunk and how long it was."""
    if len(text) <= bytes_max // 4:  # at most four bytes a character
        return text
    chunks = cut(text, bytes_max)
    return text if len(chunks) == 1 else f"{chunks[0]}[… cut, {len(text)} characters]"


def too_long(texts: pa.Array, bytes_max: int = CHUNK_BYTES_MAX) -> Sequence[int]:
    """Return which texts are longer."""
    lengths = pc.binary_length(texts)
    if (pc.max(lengths).as_py() or 0) <= bytes_max:
        return ()
    found: list[int] = np.flatnonzero(pc.fill_null(lengths, 0).to_numpy() > bytes_max).tolist()
    return found


def beginnings(array: pa.Array, bytes_max: int = CHUNK_BYTES_MAX) -> pa.Array:
    """Return an array whose texts are within a length, also in maps without nulls and in lists,
    where it is ITEM_BYTES_MAX."""
    if pa.types.is_map(array.type):
        parts = array.keys, array.items
        kept = [beginnings(part, bytes_max) for part in parts]
        if all(new is old for new, old in zip(kept, parts, strict=True)):
            return array
        return pa.MapArray.from_arrays(array.offsets, *kept)
    if pa.types.is_list(array.type):
        values = array.values
        shorter = beginnings(values, ITEM_BYTES_MAX)
        if shorter is values:
            return array
        return pa.ListArray.from_arrays(array.offsets, shorter, mask=array.is_null())
    if not pa.types.is_string(array.type):
        return array
    long = too_long(array, bytes_max)
    if not long:
        return array
    mask = np.zeros(len(array), dtype=bool)
    mask[long] = True
    texts = pa.array([beginning(array[i].as_py(), bytes_max) for i in long], pa.string())
    return pc.replace_with_mask(array, pa.array(mask), texts)
