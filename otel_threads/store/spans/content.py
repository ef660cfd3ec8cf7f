"""Reads long values back whole, those of chains among them (chains.py)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from heapq import merge
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads.database import sql_files
from otel_threads.database.arrow import register, table_of, unregister
from otel_threads.store.spans.chains import SEQUENCE_SHIFT, Reference

CHAIN_ROWS_SQL = sql_files.query("chain_rows")

Key = tuple[str, str, str]  # project, trace_id, span_id
Content = dict[Key, list[tuple[int | None, str, str]]]
Value = tuple[Key, int | None, str]  # of a span, or of one of its events; its key
Place = tuple[int, int]  # a chain, and the last row of a value in it
Ends = dict[int, set[int]]  # chain → the last rows of the values that are asked for
Texts = dict[Place, "Part | None"]


def content_of(
    cursor: duckdb.DuckDBPyConnection, query: str, named: Mapping[str, Any]
) -> tuple[Content, int]:
    """Return long values by span, (event_index, key, value), and how many bytes they take.

    `query` gives project, trace_id, span_id, event_index, key, value, chunk_index, chain_id,
    chain_row, chain_chars, a row a chunk.
    """
    found = unjoined_content_of(cursor, query, named)
    whole = {span: found.take(span) for span in [*found.spans]}
    shared = sum(len(text) for some in whole.values() for *_, text in some)
    return whole, found.stored_bytes + shared


def unjoined_content_of(
    cursor: duckdb.DuckDBPyConnection, query: str, named: Mapping[str, Any]
) -> "UnjoinedContent":
    """Return the same for who asks span by span: a long history takes memory only meanwhile.

    `query` as in `content_of`.
    """
    table = table_of(cursor.execute(query, dict(named)))
    whole, cut, ends = _by_value(table)
    whole += [(value, "".join(c for _, c in sorted(chunks))) for value, chunks in cut.items()]
    texts = _chain_texts(cursor, ends.values(), ())
    own_bytes = sum({id(part): len(part.own) for part in texts.values() if part}.values())
    found = UnjoinedContent(table.nbytes + own_bytes)
    for (span, index, key), text in whole:
        found.spans.setdefault(span, []).append((index, key, text))
    for (span, index, key), end in ends.items():
        found.spans.setdefault(span, []).append((index, key, texts[end]))
    return found


class UnjoinedContent:
    """Long values by span, those of chains not yet joined."""

    def __init__(self, stored_bytes: int) -> None:
        """`stored_bytes`: how many the rows of them take."""
        self.stored_bytes = stored_bytes
        self.spans: dict[Key, list[tuple[int | None, str, str | Part | None]]] = {}
        self._last: tuple[Part | None, str] = (None, "")

    def take(self, span: Key) -> list[tuple[int | None, str, str]]:
        """Return a span's long values, once: (event_index, key, value)."""
        found = self.spans.pop(span, ())
        return [
            (index, key, text if isinstance(text, str) else self._joined(text))
            for index, key, text in found
        ]

    def _joined(self, part: "Part | None") -> str:
        """Return a text; spans of a trace often have the same, and get the same object."""
        if part is not self._last[0]:
            self._last = part, joined(part)
        return self._last[1]


def _by_value(
    table: pa.Table,
) -> tuple[list[tuple[Value, str]], dict[Value, list[tuple[int, str]]], dict[Value, Place]]:
    """Return values that stand in one row, the chunks of others, and where those of chains end."""
    whole: list[tuple[Value, str]] = []
    cut: dict[Value, list[tuple[int, str]]] = {}
    ends: dict[Value, Place] = {}
    columns = [table.column(i).to_pylist() for i in range(table.num_columns)]
    for *owner, index, key, text, chunk, chain, row, _ in zip(*columns, strict=True):
        value = ((owner[0], owner[1], owner[2]), index, key)
        if chain is not None:
            ends[value] = max((chain, row), ends.get(value, (chain, -1)))
        elif chunk is None:
            whole.append((value, text))
        else:
            cut.setdefault(value, []).append((chunk, text))
    return whole, cut, ends


def texts_of(
    cursor: duckdb.DuckDBPyConnection, references: Collection[Reference]
) -> dict[Reference, str]:
    """Return the texts that some refer to."""
    texts = _chain_texts(cursor, ((one.chain, one.row) for one in references), references)
    return {one: joined(texts[one.chain, one.row]) for one in references}


def _chain_texts(
    cursor: duckdb.DuckDBPyConnection, places: Iterable[Place], references: Iterable[Reference]
) -> Texts:
    """Return the values that end at some rows of chains; `references` need not stand among them."""
    ends: Ends = {}
    for chain, row in places:
        ends.setdefault(chain, set()).add(row)
    if not ends:
        return {}
    register(
        cursor,
        "wanted_chains",
        pa.table(
            {
                "chain_id": pa.array(list(ends), pa.int64()),
                "last_row": pa.array([max(rows) for rows in ends.values()], pa.int32()),
            }
        ),
    )
    bounds = {"low": min(ends), "high": max(ends), "first": min(ends) >> SEQUENCE_SHIFT}
    rows = table_of(cursor.execute(CHAIN_ROWS_SQL, bounds))
    unregister(cursor, "wanted_chains")
    stored = zip(*(rows.column(i).to_pylist() for i in range(4)), strict=True)
    ended = sorted((one.chain, one.row, one.chars, "") for one in references)
    return texts_at(ends, merge(stored, ended))


@dataclass(slots=True, eq=False)
class Part:
    """A part of a text, and those before it; texts of a chain have these in common."""

    before: "Part | None"
    start: int  # how many characters are before it
    own: str


def joined(last: Part | None) -> str:
    """Return the text that ends with a part."""
    own = []
    while last is not None:
        own.append(last.own)
        last = last.before
    return "".join(reversed(own))


def texts_at(ends: Ends, rows: Iterable[tuple[int, int, int, str]]) -> Texts:
    """Return the last part of the text of each chain after some of its rows; None: it is empty.

    `rows`: (chain_id, chain_row, chain_chars, value), in the order of the first three: one that
    only refers to the text after another comes after that.
    """
    found: Texts = {}
    at: Place | None = None
    last: Part | None = None
    for chain, row, chars, value in rows:
        if at != (chain, row):
            _note(found, at, last, ends)
            if at is None or at[0] != chain:
                last = None
            at = chain, row
        while last is not None and last.start >= chars:
            last = last.before
        if last is not None and last.start + len(last.own) > chars:
            last = Part(last.before, last.start, last.own[: chars - last.start])
        if value:
            last = Part(last, chars, value)
    _note(found, at, last, ends)
    return found


def _note(found: Texts, at: Place | None, last: Part | None, ends: Ends) -> None:
    if at is not None and at[1] in ends[at[0]]:
        found[at] = last
