"""Stores what a body of a record shares with an earlier one once (chains.py), and reads it back.

A body begins with ids and times, so it is cut at its fields: each long value shares by its own
beginning, and what stands between them stays as it is. Where a body is cut decides what is shared
and nothing else: its pieces, joined, are the body byte for byte.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import duckdb

from otel_threads.core.record import Record
from otel_threads.database import sql_files
from otel_threads.database.arrow import rows_of
from otel_threads.decode.chunks import CHUNK_BYTES_MAX, cut
from otel_threads.json_texts import NotJson, json_fields
from otel_threads.store.spans import texts
from otel_threads.store.spans.chains import SHARED_BYTES_MIN, Chains, Reference
from otel_threads.store.spans.content import texts_of

CUT_CHARS_MAX = 4 << 20  # of a body; a longer one is not parsed for this
PIECES_MAX = 1000  # of a body
REFERRED_BYTES_MIN = 4096  # of a value that the span folded from it refers to, whatever it shares
CHUNKS_SQL = sql_files.query("record_chunks_of_ids")
Place = tuple[int, int]  # commit, and place in it


class Chunk(NamedTuple):
    """A chunk of a body: its text, or where it stands in a chain."""

    value: str | None
    chain_id: int | None = None
    chain_row: int | None = None
    chain_chars: int | None = None


@dataclass(frozen=True, slots=True)
class Bodies:
    """Bodies that stand in chunks, by place, and which of their pieces stand in chains.

    `references` are by record id and text.
    """

    texts: Mapping[Place, str]
    references: Mapping[tuple[str, str], Reference]


NONE = Bodies({}, {})


def in_chunks(
    cursor: duckdb.DuckDBPyConnection,
    chains: Chains,
    records: Sequence[tuple[int, Record, int]],
    sequence: int,
) -> dict[int, list[Chunk]]:
    """Store texts of a commit's bodies in chains; return the chunks of bodies by place.

    `records` have place, record, and time of receipt. Those whose bodies are short and share
    nothing are left out.
    """
    cuts = {place: pieces(record.body) for place, record, _ in records}
    at = [(place, i) for place in cuts for i in range(1, len(cuts[place]), 2)]
    told = {place: (_scope(record), received) for place, record, received in records}
    values = [(*told[place], cuts[place][i]) for place, i in at]
    stored = texts.add(cursor, chains, values, sequence, alone_bytes_min=REFERRED_BYTES_MIN)
    found: dict[int, dict[int, Reference]] = {}
    for n, reference in stored.items():
        place, i = at[n]
        found.setdefault(place, {})[i] = reference
    chunks: dict[int, list[Chunk]] = {}
    for place, record, _ in records:
        if place in found:
            chunks[place] = list(_chunks(cuts[place], found[place]))
        elif len(record.body.encode()) > CHUNK_BYTES_MAX:
            chunks[place] = [Chunk(text) for text in cut(record.body)]
    return chunks


def pieces(body: str) -> list[str]:
    """Return a body in pieces: joined they are it, and every second is a long value of a field.

    What is no JSON object is one value.
    """
    if not SHARED_BYTES_MIN <= len(body) <= CUT_CHARS_MAX:
        return [body]
    try:
        fields = json_fields(body)
    except NotJson:
        return ["", body]
    found: list[str] = []
    end = 0
    for text in fields.values():
        if len(text) < SHARED_BYTES_MIN or len(found) >= PIECES_MAX:
            continue
        start = body.find(text, end)
        if start >= 0:  # the value of a key that stands twice may stand before
            found += body[end:start], text
            end = start + len(text)
    return [*found, body[end:]]


def read(cursor: duckdb.DuckDBPyConnection, upto: int) -> Bodies:
    """Return the bodies in chunks of the ids in `record_ids`, of commits up to `upto`."""
    rows = sorted(
        rows_of(cursor, CHUNKS_SQL, {"upto": upto}),
        key=lambda row: (row["ingest_seq"], row["place"], row["chunk_index"]),
    )
    references = [
        None
        if row["chain_id"] is None
        else Reference(row["chain_id"], row["chain_row"], row["chain_chars"])
        for row in rows
    ]
    shared = texts_of(cursor, {one for one in references if one is not None})
    whole: dict[Place, list[str]] = {}
    places: dict[tuple[str, str], Reference] = {}
    for row, reference in zip(rows, references, strict=True):
        text = row["value"] if reference is None else shared[reference]
        whole.setdefault((row["ingest_seq"], row["place"]), []).append(text)
        if reference is not None:
            places[row["record_id"], text] = reference
    return Bodies({place: "".join(some) for place, some in whole.items()}, places)


def _scope(record: Record) -> str:
    """Return what shares among itself: a project, else what is of one trace or of one record."""
    if record.project is not None:
        return record.project
    return f"\0{record.trace_record_id or record.record_id}"


def _chunks(cuts: Sequence[str], references: Mapping[int, Reference]) -> Iterable[Chunk]:
    between = ""
    for i, text in enumerate(cuts):
        reference = references.get(i)
        if reference is None:
            between += text
            continue
        yield from (Chunk(one) for one in cut(between))
        between = ""
        yield Chunk(None, reference.chain, reference.row, reference.chars)
    yield from (Chunk(one) for one in cut(between))
