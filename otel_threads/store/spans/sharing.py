"""Stores the long values of an older file as chains (chains.py), in the order in which they came.

Those of spans, of log records, of SDKs' records and of what was folded from these. What came since
the file has chains is left as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from otel_threads.database import sql_files
from otel_threads.database.arrow import append, register, table_of, unregister
from otel_threads.database.database import Database
from otel_threads.store.records import record_sharing
from otel_threads.store.spans import texts
from otel_threads.store.spans.chains import SEQUENCE_SHIFT, SHARED_BYTES_MIN, Chains

SLICE_CHARS = 16 << 20  # of values that are shared in one transaction, or one commit's
VALUES_SQL = sql_files.query("unshared_content")
LOG_VALUES_SQL = sql_files.query("unshared_logs")
LAST_CHAIN_SQL = sql_files.query("last_chain")


@dataclass(frozen=True, slots=True)
class _Kind:
    """What has long values: how many characters per commit, and how some commits share them."""

    sizes_sql: str
    share: Callable[[duckdb.DuckDBPyConnection, Chains, Sequence[int]], None]


def share(database: Database, on_progress: Callable[[int, int], None]) -> None:
    """Store once what long values have in common, for a file that nobody else has open.

    Every value stays what it is. `on_progress` hears of characters looked at, and in all. Each
    transaction leaves a file as good as any: interrupted, the next call goes on.
    """
    kinds = (
        _Kind(sql_files.query("unshared_sizes"), _share_spans),
        _Kind(sql_files.query("unshared_log_sizes"), _share_logs),
        _Kind(record_sharing.SIZES_SQL, _share_records),
        _Kind(record_sharing.FOLDED_SIZES_SQL, _refer),
    )
    with database.cursor() as cursor:
        sizes = [cursor.execute(kind.sizes_sql).fetchall() for kind in kinds]
    total = sum(size for some in sizes for _, size in some)
    chains, done = Chains(), 0
    for kind, some in zip(kinds, sizes, strict=True):
        for commits, size in _slices(some):
            with database.transaction() as cursor:
                kind.share(cursor, chains, commits)
            done += size
            on_progress(done, total)


def _slices(sizes: Sequence[tuple[int, int]]) -> Iterator[tuple[list[int], int]]:
    """Yield some commits, and their characters."""
    some: list[int] = []
    together = 0
    for sequence, size in sizes:
        if some and together + size > SLICE_CHARS:
            yield some, together
            some, together = [], 0
        some.append(sequence)
        together += size
    if some:
        yield some, together


def _begin(cursor: duckdb.DuckDBPyConnection, chains: Chains, sequence: int) -> None:
    """Number the next chains after those that a commit has."""
    low = sequence << SEQUENCE_SHIFT
    numbers = {"low": low, "high": (sequence + 1) << SEQUENCE_SHIFT}
    found = cursor.execute(LAST_CHAIN_SQL, numbers).fetchone()
    chains.begin(sequence, made=found[0] - low if found and found[0] is not None else 0)


def _columns(cursor: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [name for name, *_ in cursor.execute(f"describe {table}").fetchall()]


def _share_spans(cursor: duckdb.DuckDBPyConnection, chains: Chains, commits: Sequence[int]) -> None:
    first = commits[0]
    bounds = {"first": first, "last": commits[-1], "shortest": SHARED_BYTES_MIN}
    values = table_of(cursor.execute(VALUES_SQL, bounds)).combine_chunks()
    if not values.num_rows:
        return
    _begin(cursor, chains, first)
    stored = chains.rows(values, first)
    stored = stored.filter(pc.is_valid(stored.column("chain_id")))
    if not stored.num_rows:
        return
    going = pc.list_flatten(stored.column("row_ids").combine_chunks()).unique()
    register(cursor, "going_rows", pa.table({"row_id": going}))
    cursor.execute("delete from x_content_chunks where rowid in (select row_id from going_rows)")
    unregister(cursor, "going_rows")
    append(cursor, "x_content_chunks", stored.select(_columns(cursor, "x_content_chunks")))


def _share_logs(cursor: duckdb.DuckDBPyConnection, chains: Chains, commits: Sequence[int]) -> None:
    columns = _columns(cursor, "x_log_chunks")
    for sequence in commits:
        _begin(cursor, chains, sequence)
        found = table_of(cursor.execute(LOG_VALUES_SQL, {"sequence": sequence}))
        logs = found.select(["project", "fingerprint", "time_unix_nano"])
        left = texts.add_of_logs(cursor, chains, logs, found.select(columns), sequence)
        if left.num_rows < found.num_rows:
            cursor.execute("delete from x_log_chunks where ingest_seq = ?", [sequence])
            append(cursor, "x_log_chunks", left)


def _share_records(
    cursor: duckdb.DuckDBPyConnection, chains: Chains, commits: Sequence[int]
) -> None:
    for sequence in commits:
        _begin(cursor, chains, sequence)
        record_sharing.share(cursor, chains, sequence)


def _refer(cursor: duckdb.DuckDBPyConnection, _: Chains, commits: Sequence[int]) -> None:
    columns = _columns(cursor, "x_content_chunks")
    record_sharing.refer(cursor, columns, first=commits[0], last=commits[-1])
