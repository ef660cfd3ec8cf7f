"""Gives SDKs' records of an older file, and what was folded from them, the form of new ones.

Both go commit by commit in a transaction of the caller's (`spans/sharing.py`).
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from otel_threads.database import sql_files
from otel_threads.database.arrow import append, register, rows_of, table_of, unregister
from otel_threads.store.records import bodies, record_rows
from otel_threads.store.spans.chains import Chains, referring

SIZES_SQL = sql_files.query("unshared_record_sizes")
FOLDED_SIZES_SQL = sql_files.query("unreferring_sizes")
RECORDS_SQL = sql_files.query("unshared_records")
FOLDED_SQL = sql_files.query("unreferring_content")
ALL_COMMITS = 2**62


def share(cursor: duckdb.DuckDBPyConnection, chains: Chains, sequence: int) -> None:
    """Store long values of a commit's records as texts of chains, where they share something."""
    records = [
        (row["place"], record_rows.record_of(row, row["whole"]), row["received_unix_nano"])
        for row in rows_of(cursor, RECORDS_SQL, {"sequence": sequence})
    ]
    if not records:
        return
    chunks = {
        place: some
        for place, some in bodies.in_chunks(cursor, chains, records, sequence).items()
        if any(chunk.chain_id is not None for chunk in some)
    }
    if not chunks:
        return
    register(cursor, "shared_places", pa.table({"place": pa.array(list(chunks), pa.int32())}))
    inside = "where ingest_seq = ? and place in (select place from shared_places)"
    cursor.execute(f"delete from x_sdk_record_chunks {inside}", [sequence])  # noqa: S608  # our own
    cursor.execute(f"update x_sdk_records set body = null {inside}", [sequence])  # noqa: S608
    unregister(cursor, "shared_places")
    ids = {place: record.record_id for place, record, _ in records}
    record_rows.insert_chunks(cursor, sequence, chunks, ids)


def refer(
    cursor: duckdb.DuckDBPyConnection, columns: Sequence[str], *, first: int, last: int
) -> None:
    """Let spans that were folded from records refer to their texts; `columns` of their values."""
    values = table_of(cursor.execute(FOLDED_SQL, {"first": first, "last": last}))
    record_ids = values.column("record_id").to_pylist()
    if not record_ids:
        return
    register(cursor, "record_ids", pa.table({"record_id": pa.array(sorted(set(record_ids)))}))
    known = bodies.read(cursor, ALL_COMMITS).references
    unregister(cursor, "record_ids")
    told = zip(record_ids, values.column("value").to_pylist(), strict=True)
    found = {row: known[key] for row, key in enumerate(told) if key in known}
    if not found:
        return
    values = values.take(pa.array(list(found), pa.int64()))
    going = pc.list_flatten(values.column("row_ids").combine_chunks())
    register(cursor, "going_rows", pa.table({"row_id": going}))
    cursor.execute("delete from x_content_chunks where rowid in (select row_id from going_rows)")
    unregister(cursor, "going_rows")
    stored = referring(values, dict(enumerate(found.values())))
    append(cursor, "x_content_chunks", stored.select(list(columns)))
