"""Stores the long values of an older file as chains (chains.py), in the order in which they came.

What came since the file has chains is left as it is.
"""

from collections.abc import Callable, Iterator, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from otel_threads.database import sql_files
from otel_threads.database.arrow import append, register, table_of, unregister
from otel_threads.database.database import Database
from otel_threads.store.spans.chains import SEQUENCE_SHIFT, SHARED_BYTES_MIN, Chains

SLICE_CHARS = 16 << 20  # of values that are shared in one transaction, or one commit's
SIZES_SQL = sql_files.query("unshared_sizes")
VALUES_SQL = sql_files.query("unshared_content")
LAST_CHAIN_SQL = sql_files.query("last_chain")


def share(database: Database, on_progress: Callable[[int, int], None]) -> None:
    """Store once what long values have in common, for a file that nobody else has open.

    Every value stays what it is. `on_progress` hears of characters looked at, and in all. Each
    transaction leaves a file as good as any: interrupted, the next call goes on.
    """
    with database.cursor() as cursor:
        sizes = cursor.execute(SIZES_SQL).fetchall()
        columns = [name for name, *_ in cursor.execute("describe x_content_chunks").fetchall()]
    total = sum(size for _, size in sizes)
    chains, done = Chains(), 0
    for first, last, size in _slices(sizes):
        with database.transaction() as cursor:
            _share(cursor, chains, columns, first, last)
        done += size
        on_progress(done, total)


def _slices(sizes: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Yield the first and the last commit of some, and their characters."""
    some: list[tuple[int, int]] = []
    for sequence, size in sizes:
        if some and sum(size for _, size in some) + size > SLICE_CHARS:
            yield some[0][0], some[-1][0], sum(size for _, size in some)
            some = []
        some.append((sequence, size))
    if some:
        yield some[0][0], some[-1][0], sum(size for _, size in some)


def _share(
    cursor: duckdb.DuckDBPyConnection, chains: Chains, columns: Sequence[str], first: int, last: int
) -> None:
    bounds = {"first": first, "last": last, "shortest": SHARED_BYTES_MIN}
    values = table_of(cursor.execute(VALUES_SQL, bounds)).combine_chunks()
    if not values.num_rows:
        return
    low = first << SEQUENCE_SHIFT
    numbers = {"low": low, "high": (first + 1) << SEQUENCE_SHIFT}
    found = cursor.execute(LAST_CHAIN_SQL, numbers).fetchone()
    chains.begin(first, made=found[0] - low if found and found[0] is not None else 0)
    stored = chains.rows(values, first)
    stored = stored.filter(pc.is_valid(stored.column("chain_id")))
    if not stored.num_rows:
        return
    going = pc.list_flatten(stored.column("row_ids").combine_chunks()).unique()
    register(cursor, "going_rows", pa.table({"row_id": going}))
    cursor.execute("delete from x_content_chunks where rowid in (select row_id from going_rows)")
    unregister(cursor, "going_rows")
    append(cursor, "x_content_chunks", stored.select(columns))
