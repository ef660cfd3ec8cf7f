"""Texts of chains (chains.py) that no span has: those of log records and of SDKs' records.

These refer to a chain, a row of it and a length. The text stays as long as somebody refers to it
(content_deletion.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from otel_threads.database import sql_files
from otel_threads.database.arrow import append, register, rows_of, unregister
from otel_threads.store.spans.chains import Chains, Reference
from otel_threads.store.spans.content import texts_of

INSERT_SQL = sql_files.query("insert_texts")
TEXTS = pa.schema(
    [
        ("project", pa.string()),
        ("unix_nano", pa.int64()),
        ("value", pa.string()),
        ("place", pa.int64()),
    ]
)
LOG_REFERENCES = pa.schema(
    [
        ("ingest_seq", pa.int64()),
        *((name, pa.string()) for name in ("project", "trace_id", "span_id", "fingerprint", "key")),
        ("chain_id", pa.int64()),
        ("chain_row", pa.int32()),
        ("chain_chars", pa.int64()),
    ]
)
OF_LOG = LOG_REFERENCES.names[1:6]


def add(
    cursor: duckdb.DuckDBPyConnection,
    chains: Chains,
    texts: Sequence[tuple[str, int, str]],
    sequence: int,
    *,
    alone_bytes_min: int | None = None,
) -> dict[int, Reference]:
    """Store texts of a commit in chains; return where those stand that went there, by their place.

    `texts` have what they share within, a time in nanoseconds, and the text. `alone_bytes_min`: as
    in `Chains.rows`.
    """
    if not texts:
        return {}
    stored = chains.rows(_texts(texts), sequence, alone_bytes_min=alone_bytes_min)
    stored = stored.filter(pc.is_valid(stored.column("chain_id")))
    if not stored.num_rows:
        return {}
    found: dict[int, Reference] = {}
    names = ("place", "chain_id", "chain_row", "chain_chars", "value")
    cells = [stored.column(name).to_pylist() for name in names]
    for place, chain, row, kept_chars, own in zip(*cells, strict=True):
        known = found.get(place)
        if known is None or known.row < row:
            found[place] = Reference(chain, row, kept_chars + len(own))
    register(cursor, "new_texts", stored.filter(pa.array([bool(own) for own in cells[-1]])))
    cursor.execute(INSERT_SQL, {"sequence": sequence})
    unregister(cursor, "new_texts")
    return found


def _texts(texts: Sequence[tuple[str, int, str]]) -> pa.Table:
    columns = zip(*((*text, place) for place, text in enumerate(texts)), strict=True)
    arrays = [pa.array(cells, one.type) for cells, one in zip(columns, TEXTS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=TEXTS)


def add_of_logs(
    cursor: duckdb.DuckDBPyConnection,
    chains: Chains,
    logs: pa.Table,
    chunks: pa.Table,
    sequence: int,
) -> pa.Table:
    """Store what log records have apart from their rows in chains; return the chunks of the others.

    `chunks`: rows of x_log_chunks of the records.
    """
    if not chunks.num_rows:
        return chunks
    owners = list(zip(*(chunks.column(name).to_pylist() for name in OF_LOG), strict=True))
    whole: dict[tuple[Any, ...], list[str]] = {}
    for owner, value in zip(owners, chunks.column("value").to_pylist(), strict=True):
        whole.setdefault(owner, []).append(value)  # chunks come in their order
    keys = zip(*(logs.column(name).to_pylist() for name in ("project", "fingerprint")), strict=True)
    times = dict(zip(keys, logs.column("time_unix_nano").to_pylist(), strict=True))
    texts = [(key[0], times[key[0], key[3]], "".join(some)) for key, some in whole.items()]
    found = add(cursor, chains, texts, sequence)
    shared = {owner: found[i] for i, owner in enumerate(whole) if i in found}
    if shared:
        append(cursor, "x_log_references", _references(shared, sequence))
    return chunks.filter(pa.array([owner not in shared for owner in owners]))


def _references(shared: Mapping[tuple[Any, ...], Reference], sequence: int) -> pa.Table:
    rows = [(sequence, *key, one.chain, one.row, one.chars) for key, one in shared.items()]
    columns = zip(zip(*rows, strict=True), LOG_REFERENCES, strict=True)
    arrays = [pa.array(cells, one.type) for cells, one in columns]
    return pa.Table.from_arrays(arrays, schema=LOG_REFERENCES)


def delete_of_logs(cursor: duckdb.DuckDBPyConnection, going: str) -> set[int]:
    """Let go of what some log records have in chains; return these chains, for `keep_shared`.

    `going` is a condition over `t`, a row of x_log_references.
    """
    found = cursor.execute(
        f"delete from x_log_references t where {going} returning chain_id"  # noqa: S608  # our own
    ).fetchall()
    return {chain for (chain,) in found}


def log_chunks(
    cursor: duckdb.DuckDBPyConnection,
    chunks: str,
    references: str,
    named: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return what log records have apart from their rows, in chunks or whole, as x_log_chunks.

    `chunks` and `references` are the queries for both; their parameters are `named`.
    """
    found = rows_of(cursor, chunks, dict(named or {}))
    referring = rows_of(cursor, references, dict(named or {}))
    if referring:
        places = [Reference(r["chain_id"], r["chain_row"], r["chain_chars"]) for r in referring]
        texts = texts_of(cursor, set(places))
        found += [
            row | {"chunk_index": 0, "value": texts[place]}
            for row, place in zip(referring, places, strict=True)
        ]
    return found
