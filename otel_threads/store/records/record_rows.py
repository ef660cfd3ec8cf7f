"""Records of SDKs as rows: written in arrival order, each repetition once, and read back."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads.core.record import Record, StoredRecord
from otel_threads.database import sql_files
from otel_threads.database.arrow import append, register, rows_of, unregister
from otel_threads.database.database import ChangeNotes
from otel_threads.store.outbox import RECORD
from otel_threads.store.records import bodies
from otel_threads.store.spans.chains import Chains, Reference

LATEST_SQL = sql_files.query("latest_records")
DELETE_SQL = sql_files.query("delete_records_of_traces")
DELETE_CHUNKS_SQL = sql_files.query("delete_record_chunks")
DELETE_OLD_SQL = sql_files.query("delete_old_deletions")
RECORDS_SQL = sql_files.query("records_of_ids")
DROP_DEAD_SQL = sql_files.query("drop_dead_records")
Key = tuple[str, str, str]  # vendor, entity, record id
References = Mapping[tuple[str, str], Reference]  # by record id and text
Received = tuple[Record, int]  # with the time of receipt, in nanoseconds since the Unix epoch

_S, _I = pa.string(), pa.int64()
RECORDS = pa.schema(
    [
        ("ingest_seq", _I),
        ("place", pa.int32()),
        ("received_unix_nano", _I),
        ("vendor", _S),
        ("entity", _S),
        ("op", _S),
        ("record_id", _S),
        ("trace_record_id", _S),
        ("project", _S),
        ("stamp_unix_nano", _I),
        ("body_hash", pa.uint64()),
        ("size_bytes", _I),
        ("body", _S),
    ]
)
CHUNKS = pa.schema(
    [
        ("ingest_seq", _I),
        ("place", pa.int32()),
        ("record_id", _S),
        ("chunk_index", pa.int32()),
        ("value", _S),
        ("chain_id", _I),
        ("chain_row", pa.int32()),
        ("chain_chars", _I),
    ]
)


def key_of(record: Record) -> Key:
    """Return what a record is of."""
    return record.vendor, record.entity, record.record_id


def insert(
    cursor: duckdb.DuckDBPyConnection, records: Sequence[Received], sequence: int, chains: Chains
) -> int:
    """Insert the records of a commit, in their order, within its transaction; return how many.

    One that is the same as the latest of its id and kind, with no deletion since, is left out.
    """
    if not records:
        return 0
    latest = _latest(cursor, records)
    stored: list[tuple[int, Record, int]] = []
    hashes: list[tuple[int, int]] = []  # hash and bytes of each body
    for record, received_unix_nano in records:
        data = record.body.encode()
        body_hash = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
        if _is_repeated(latest.setdefault(key_of(record), {}), record.op, body_hash):
            continue
        stored.append((len(stored), record, received_unix_nano))
        hashes.append((body_hash, len(data)))
    chunks = bodies.in_chunks(cursor, chains, stored, sequence)
    rows = [_row(sequence, hashes[one[0]], one, is_apart=one[0] in chunks) for one in stored]
    if rows:
        append(cursor, "x_sdk_records", _table(RECORDS, rows))
    insert_chunks(cursor, sequence, chunks, {one[0]: one[1].record_id for one in stored})
    return len(rows)


def insert_chunks(
    cursor: duckdb.DuckDBPyConnection,
    sequence: int,
    chunks: Mapping[int, Sequence[bodies.Chunk]],
    record_ids: Mapping[int, str],
) -> None:
    """Insert the chunks of a commit's bodies, both by place."""
    rows: list[tuple[object, ...]] = [
        (sequence, place, record_ids[place], i, *chunk)
        for place, some in chunks.items()
        for i, chunk in enumerate(some)
    ]
    if rows:
        append(cursor, "x_sdk_record_chunks", _table(CHUNKS, rows))


def _row(
    sequence: int, hashed: tuple[int, int], stored: tuple[int, Record, int], *, is_apart: bool
) -> tuple[object, ...]:
    place, record, received_unix_nano = stored
    return (
        sequence,
        place,
        received_unix_nano,
        record.vendor,
        record.entity,
        record.op,
        record.record_id,
        record.trace_record_id,
        record.project,
        record.stamp_unix_nano,
        *hashed,
        None if is_apart else record.body,
    )


def read(
    cursor: duckdb.DuckDBPyConnection, record_ids: Sequence[str], *, upto: int
) -> tuple[list[StoredRecord], References]:
    """Return all records of some ids, of commits up to `upto`, in no order.

    And where texts of theirs stand in chains, by record id and text.
    """
    register(cursor, "record_ids", pa.table({"record_id": pa.array(record_ids, _S)}))
    rows = rows_of(cursor, RECORDS_SQL, {"upto": upto})
    long = bodies.NONE
    if any(row["body"] is None for row in rows):
        long = bodies.read(cursor, upto)
    unregister(cursor, "record_ids")
    records = [
        StoredRecord(
            record=record_of(
                row,
                row["body"]
                if row["body"] is not None
                else long.texts.get((row["ingest_seq"], row["place"]), ""),
            ),
            sequence=row["ingest_seq"],
            place=row["place"],
            received_unix_nano=row["received_unix_nano"],
        )
        for row in rows
    ]
    return records, long.references


def record_of(row: Mapping[str, Any], body: str) -> Record:
    """Return the record that stands in a row of `x_sdk_records`, with its whole body."""
    return Record(
        vendor=row["vendor"],
        entity=row["entity"],
        op=row["op"],
        record_id=row["record_id"],
        trace_record_id=row["trace_record_id"],
        project=row["project"],
        stamp_unix_nano=row["stamp_unix_nano"],
        body=body,
    )


def delete_of_traces(
    cursor: duckdb.DuckDBPyConnection, notes: ChangeNotes | None, sequence: int
) -> set[int]:
    """Delete the records of spans that are about to be deleted, in the caller's transaction.

    `going` has the trace ids, `staying` the keys of spans that are kept. `notes` hear which records
    that were, of commits up to `sequence`. Returns the chains of which the records had texts, for
    `keep_shared`.
    """
    row = cursor.execute("select 1 from x_sdk_records limit 1").fetchone()
    if row is None:
        return set()
    _delete(cursor, DELETE_SQL, {}, notes, sequence)
    return _delete_chunks(cursor)


def delete_dead(
    cursor: duckdb.DuckDBPyConnection,
    record_ids: Sequence[str],
    notes: ChangeNotes | None,
    *,
    upto: int,
) -> set[int]:
    """Delete what came before the deletion of some records, in commits up to `upto`.

    Notes and returns as `delete_of_traces` does.
    """
    register(cursor, "record_ids", pa.table({"record_id": pa.array(record_ids, _S)}))
    _delete(cursor, DROP_DEAD_SQL, {"upto": upto}, notes, upto)
    unregister(cursor, "record_ids")
    return _delete_chunks(cursor)


def _delete(
    cursor: duckdb.DuckDBPyConnection,
    query: str,
    parameters: dict[str, int],
    notes: ChangeNotes | None,
    sequence: int,
) -> None:
    """Delete records by a query that returns their ids; let notes hear of them."""
    gone = sorted({record_id for (record_id,) in cursor.execute(query, parameters).fetchall()})
    if notes is not None:
        notes.note_traces(cursor, RECORD, gone, sequence)


def _delete_chunks(cursor: duckdb.DuckDBPyConnection) -> set[int]:
    chains = cursor.execute(DELETE_CHUNKS_SQL).fetchall()
    return {chain for (chain,) in chains if chain is not None}


def delete_old_deletions(
    cursor: duckdb.DuckDBPyConnection,
    before_unix_nano: int,
    notes: ChangeNotes | None,
    sequence: int,
) -> None:
    """Delete what says that a record was deleted: nothing of it comes so late any more.

    Notes as `delete_of_traces` does.
    """
    _delete(cursor, DELETE_OLD_SQL, {"before": before_unix_nano}, notes, sequence)


def _latest(
    cursor: duckdb.DuckDBPyConnection, records: Sequence[Received]
) -> dict[Key, dict[str, int]]:
    """Return of each id the hash of the latest record of each kind that still counts."""
    ids = sorted({record.record_id for record, _ in records})
    register(cursor, "record_ids", pa.table({"record_id": pa.array(ids, _S)}))
    found: dict[Key, dict[str, int]] = {}
    for row in rows_of(cursor, LATEST_SQL):
        key = row["vendor"], row["entity"], row["record_id"]
        _is_repeated(found.setdefault(key, {}), row["op"], row["body_hash"])
    unregister(cursor, "record_ids")
    return found


def _is_repeated(latest: dict[str, int], op: str, body_hash: int) -> bool:
    """Return whether a record repeats what is known of its id; else note it."""
    if latest.get(op) == body_hash:
        return True
    if op == "delete":
        latest.clear()
    else:
        latest.pop("delete", None)
    latest[op] = body_hash
    return False


def _table(schema: pa.Schema, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns: Mapping[str, tuple[object, ...]] = dict(
        zip(schema.names, zip(*rows, strict=True), strict=True)
    )
    arrays = [pa.array(columns[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)
