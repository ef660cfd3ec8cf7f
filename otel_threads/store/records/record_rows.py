"""Records of SDKs as rows: written in arrival order, each repetition once, and read back."""

import hashlib
from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from otel_threads.core.record import Record, StoredRecord
from otel_threads.database import sql_files
from otel_threads.database.arrow import append, register, rows_of, unregister
from otel_threads.decode.chunks import CHUNK_BYTES_MAX, cut

LATEST_SQL = sql_files.query("latest_records")
DELETE_SQL = sql_files.query("delete_records_of_traces")
DELETE_CHUNKS_SQL = sql_files.query("delete_record_chunks")
DELETE_OLD_SQL = sql_files.query("delete_old_deletions")
RECORDS_SQL = sql_files.query("records_of_ids")
CHUNKS_SQL = sql_files.query("record_chunks_of_ids")
Key = tuple[str, str, str]  # vendor, entity, record id
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
    ]
)


def key_of(record: Record) -> Key:
    """Return what a record is of."""
    return record.vendor, record.entity, record.record_id


def insert(cursor: duckdb.DuckDBPyConnection, records: Sequence[Received], sequence: int) -> int:
    """Insert the records of a commit, in their order, within its transaction; return how many.

    One that is the same as the latest of its id and kind, with no deletion since, is left out.
    """
    latest = _latest(cursor, records)
    rows: list[tuple[object, ...]] = []
    chunks: list[tuple[object, ...]] = []
    for record, received_unix_nano in records:
        data = record.body.encode()
        body_hash = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
        if _is_repeated(latest.setdefault(key_of(record), {}), record.op, body_hash):
            continue
        place = len(rows)
        is_long = len(data) > CHUNK_BYTES_MAX
        rows.append(
            (
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
                body_hash,
                len(data),
                None if is_long else record.body,
            )
        )
        if is_long:
            chunks += (
                (sequence, place, record.record_id, i, value)
                for i, value in enumerate(cut(record.body))
            )
    for name, schema, some in (
        ("x_sdk_records", RECORDS, rows),
        ("x_sdk_record_chunks", CHUNKS, chunks),
    ):
        if some:
            append(cursor, name, _table(schema, some))
    return len(rows)


def read(
    cursor: duckdb.DuckDBPyConnection, record_ids: Sequence[str], *, upto: int
) -> list[StoredRecord]:
    """Return all records of some ids, of commits up to `upto`, in no order."""
    register(cursor, "record_ids", pa.table({"record_id": pa.array(record_ids, _S)}))
    rows = rows_of(cursor, RECORDS_SQL, {"upto": upto})
    long: dict[tuple[int, int], list[tuple[int, str]]] = {}
    if any(row["body"] is None for row in rows):
        for chunk in rows_of(cursor, CHUNKS_SQL, {"upto": upto}):
            place = chunk["ingest_seq"], chunk["place"]
            long.setdefault(place, []).append((chunk["chunk_index"], chunk["value"]))
    unregister(cursor, "record_ids")
    return [
        StoredRecord(
            record=Record(
                vendor=row["vendor"],
                entity=row["entity"],
                op=row["op"],
                record_id=row["record_id"],
                trace_record_id=row["trace_record_id"],
                project=row["project"],
                stamp_unix_nano=row["stamp_unix_nano"],
                body=_whole(row["body"], long.get((row["ingest_seq"], row["place"]), ())),
            ),
            sequence=row["ingest_seq"],
            place=row["place"],
            received_unix_nano=row["received_unix_nano"],
        )
        for row in rows
    ]


def delete_of_traces(cursor: duckdb.DuckDBPyConnection) -> None:
    """Delete the records of spans that are about to be deleted, in the caller's transaction.

    `going` has the trace ids, `staying` the keys of spans that are kept.
    """
    row = cursor.execute("select 1 from x_sdk_records limit 1").fetchone()
    if row is not None:
        cursor.execute(DELETE_SQL)
        cursor.execute(DELETE_CHUNKS_SQL)


def delete_old_deletions(cursor: duckdb.DuckDBPyConnection, before_unix_nano: int) -> None:
    """Delete what says that a record was deleted: nothing of it comes so late any more."""
    cursor.execute(DELETE_OLD_SQL, {"before": before_unix_nano})


def _whole(body: str | None, chunks: Sequence[tuple[int, str]]) -> str:
    return body if body is not None else "".join(value for _, value in sorted(chunks))


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
