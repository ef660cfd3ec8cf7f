"""Cuts very long values into pieces.

DuckDB reads and folds 2,048 values of a column at once, whatever their size: a run of images or
documents of some megabytes would not fit in its memory, and it would give the database up.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PIECE_BYTES_MAX = 16 * 1024  # 2,048 of them are 32 MiB, of the 192 that DuckDB has


def split(table: pa.Table) -> pa.Table:
    """Return rows of `content_pieces`, each value within PIECE_BYTES_MAX.

    A value that was cut has a row a piece, `piece_index` from 0; one that was not has none.
    """
    lengths = pc.binary_length(table.column("value")).to_numpy()
    long = np.flatnonzero(lengths > PIECE_BYTES_MAX)
    if not len(long):
        return table
    whole = np.ones(len(lengths), dtype=bool)
    whole[long] = False
    rows: list[int] = []
    indexes: list[int] = []
    values: list[str] = []
    for row in long:
        found = cut(table.column("value")[int(row)].as_py())
        rows += [int(row)] * len(found)
        indexes += range(len(found))
        values += found
    cut_rows = table.drop_columns(["value", "piece_index"]).take(pa.array(rows, pa.int64()))
    cut_rows = cut_rows.append_column("value", pa.array(values, pa.string()))
    cut_rows = cut_rows.append_column("piece_index", pa.array(indexes, pa.int32()))
    kept = table.filter(pa.array(whole))
    return pa.concat_tables([kept, cut_rows.select(kept.column_names)])


def cut(text: str) -> list[str]:
    """Return a text in pieces of PIECE_BYTES_MAX bytes of UTF-8 at most; no character is torn."""
    data = text.encode("utf-8", "surrogatepass")
    found, start = [], 0
    while start < len(data):
        end = min(start + PIECE_BYTES_MAX, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        found.append(data[start:end].decode("utf-8", "surrogatepass"))
        start = end
    return found
