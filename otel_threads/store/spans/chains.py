"""Stores what a long value shares with an earlier one once: an agent sends its history each time.

A chain is a text that grows: each of its rows keeps the first `chain_chars` characters of the text
before it and adds its own. So the text of a row is that of the row before, cut and continued, and
an equal value is a row without a text. Nothing here knows what a value means.

The earlier value is found among those seen lately, in memory. A miss costs bytes, nothing else.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from otel_threads.decode.chunks import CHUNK_BYTES_MAX, cut
from otel_threads.decode.picked import picked_of
from otel_threads.shared_beginning import shared_length

SHARED_BYTES_MIN = 512  # what is shorter is stored whole
WHOLE_BYTES_MIN = 8192  # a value this long is remembered when it is first seen
REMEMBERED_BYTES_MAX = 16 << 20  # of texts in memory, over all chains
SEEN_MAX = 1 << 16  # hashes of beginnings that were seen once
CHAIN_ROWS_MAX = 4096  # then the text is stored whole again: bounds what a reader reads
CANDIDATES_MAX = 4  # chains that are remembered of one beginning
# An earlier first value that ends so many bytes after the shared ones was continued: JSON closes
# its brackets and the next value goes on before them.
TAIL_BYTES_MAX = 16
SEQUENCE_SHIFT = 20  # a chain's number begins with that of its first commit, so zone maps find it
# Lengths of beginnings that are hashed: an earlier value is found by the longest that is equal.
POINTS = tuple(int(SHARED_BYTES_MIN * 1.25**i) for i in range(46))
# Bytes of a value that tell whether its beginning was seen.
_TELLING = np.concatenate([np.arange(64), np.arange(448, 448 + 64)])
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93] * 4,
    dtype=np.uint64,
) * np.arange(1, 17, dtype=np.uint64)

# Columns of x_content_chunks that say where a row's text belongs, beside those of tables.CONTENT.
PLACES = pa.schema(
    [
        ("value", pa.string()),
        ("chunk_index", pa.int32()),
        ("chain_id", pa.int64()),
        ("chain_row", pa.int32()),
        ("chain_chars", pa.int64()),
    ]
)
PLACE = tuple(PLACES.names[1:])


@dataclass(frozen=True, slots=True)
class Reference:
    """A text that stands in a chain: what its text is after a row, with so many characters."""

    chain: int
    row: int
    chars: int


Key = tuple[str, int, int]  # project, length of a beginning, its hash


@dataclass(slots=True, eq=False)
class _Chain:
    project: str
    number: int
    text: bytes  # of its last row
    chars: int  # so many characters are that
    row_count: int
    first_bytes: int  # of its first value
    keys: list[Key] = field(default_factory=list)


@dataclass(slots=True)
class _Place:
    """Where a value goes: a chain, the number of its first row there, what it keeps and adds."""

    chain: int
    row: int
    kept_chars: int
    own: str


class Chains:
    """What was stored lately; for the writer's thread, which holds `lock` until its commit ends."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._chains: OrderedDict[int, _Chain] = OrderedDict()  # the least used first
        self._by_key: dict[Key, list[_Chain]] = {}
        self._bytes = 0
        self._seen = [np.empty(0, np.uint64), np.empty(0, np.uint64)]  # the older, the newer
        self._sequence, self._made = 0, 0

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Let no later row continue a chain that is stored now.

        Who deletes rows begins the transaction inside: it sees all rows of the chains that it
        sees, and no row will hang on them later.
        """
        with self.lock:
            self.forget()
            yield

    def forget(self) -> None:
        """Remember nothing: what was added last was not stored."""
        self._chains.clear()
        self._by_key.clear()
        self._bytes = 0

    def begin(self, sequence: int, *, made: int = 0) -> None:
        """Number the next chains by a commit, after those that were made of it already."""
        self._sequence, self._made = sequence, made

    def rows(
        self, content: pa.Table, sequence: int, *, alone_bytes_min: int | None = None
    ) -> pa.Table:
        """Return the rows to store of whole values, with PLACE; `sequence` is the commit's.

        With `alone_bytes_min` values of that length that share nothing are chains, too, so that
        others can refer to them.
        """
        if sequence != self._sequence:
            self.begin(sequence)
        lengths = _lengths(content)
        projects, texts = content.column("project"), _Texts(content.column("value"))
        tried = self._worth_trying(texts, lengths)
        places = {row: self._place(projects[row].as_py(), texts[row]) for row in tried.tolist()}
        found = {row: at for row, at in places.items() if at}
        if alone_bytes_min is not None:
            for row in map(int, np.flatnonzero(lengths >= alone_bytes_min)):
                if row not in found and not self._is_full():
                    text = content.column("value")[row].as_py()
                    found[row] = _Place(self._next_number(), 0, 0, text)
        return _stored(content, lengths, found)

    def _is_full(self) -> bool:
        """Return whether the commit has made as many chains as numbers can tell."""
        return bool(self._made + 1 >> SEQUENCE_SHIFT)

    def _next_number(self) -> int:
        self._made += 1
        return (self._sequence << SEQUENCE_SHIFT) + self._made

    def _worth_trying(
        self, texts: "_Texts", lengths: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Return the rows whose beginning was seen before, and those that are very long."""
        rows = np.flatnonzero(lengths >= SHARED_BYTES_MIN)
        if not len(rows):
            return rows
        hashes = texts.beginnings(rows)
        known = lengths[rows] >= WHOLE_BYTES_MIN
        for seen in self._seen:
            known |= np.isin(hashes, seen)
        different, place, counts = np.unique(hashes, return_inverse=True, return_counts=True)
        known |= counts[place] > 1
        newer = np.union1d(self._seen[1], different)
        full = len(newer) > SEEN_MAX
        self._seen = [newer[:SEEN_MAX], newer[:0]] if full else [self._seen[0], newer]
        return rows[known]

    def _place(self, project: str, text: bytes) -> _Place | None:
        """Return where a value goes; None for one that is too long to be remembered."""
        if len(text) > REMEMBERED_BYTES_MAX // 4 or self._is_full():
            return None
        keys = _keys(project, text)
        chain, shared = self._continued(keys, text)
        if chain is None:
            chain = _Chain(project, self._next_number(), b"", 0, 0, len(text))
            shared = 0
        kept_chars = chain.chars - len(chain.text[shared:].decode("utf-8", "surrogatepass"))
        own = text[shared:].decode("utf-8", "surrogatepass")
        place = _Place(chain.number, chain.row_count, kept_chars, own)
        chain.chars = kept_chars + len(own)
        self._remember(chain, text, keys, max(1, len(cut(own))))
        return place

    def _continued(self, keys: list[Key], text: bytes) -> tuple[_Chain | None, int]:
        """Return the chain that a text goes on with, and how many bytes they share."""
        tried: set[int] = set()
        for key in reversed(keys):
            for chain in reversed(self._by_key.get(key, ())):
                if chain.number in tried:
                    continue
                tried.add(chain.number)
                shared = _whole_characters(text, shared_length(chain.text, text))
                if chain.row_count < CHAIN_ROWS_MAX and _goes_on(chain, text, shared):
                    return chain, shared
                if len(tried) == 2 * CANDIDATES_MAX:
                    return None, 0
        return None, 0

    def _remember(self, chain: _Chain, text: bytes, keys: list[Key], added_rows: int) -> None:
        self._bytes += text.__sizeof__() - (chain.text.__sizeof__() if chain.row_count else 0)
        chain.text = text
        chain.row_count += added_rows
        same = _shared_keys(chain.keys, keys)
        self._unlink(chain, chain.keys[same:])
        for key in keys[same:]:
            chains = self._by_key.setdefault(key, [])
            chains.append(chain)
            del chains[:-CANDIDATES_MAX]
        chain.keys = keys
        self._chains[chain.number] = chain
        self._chains.move_to_end(chain.number)
        while self._bytes > REMEMBERED_BYTES_MAX:
            _, oldest = self._chains.popitem(last=False)
            self._bytes -= oldest.text.__sizeof__()
            self._unlink(oldest, oldest.keys)

    def _unlink(self, chain: _Chain, keys: list[Key]) -> None:
        for key in keys:
            chains = self._by_key.get(key)
            if chains and chain in chains:
                chains.remove(chain)
                if not chains:
                    del self._by_key[key]


def _goes_on(chain: _Chain, text: bytes, shared: int) -> bool:
    """Return whether a text continues a chain's, of which it has so many bytes.

    Another conversation that only begins alike would cost this one what it has.
    """
    if 2 * shared < len(chain.text):
        return False
    if shared >= chain.first_bytes - TAIL_BYTES_MAX:
        return True
    # A model's name or its tools may stand after the messages, in each of the values.
    tail = len(chain.text) - shared - TAIL_BYTES_MAX
    return tail <= 0 or text[shared:].endswith(chain.text[-tail:])


def _shared_keys(earlier: list[Key], keys: list[Key]) -> int:
    """Return how many keys two texts have in common."""
    if keys[: len(earlier)] == earlier:  # nearly always
        return len(earlier)
    return next(i for i, (a, b) in enumerate(zip(earlier, [*keys, None], strict=False)) if a != b)


def _whole_characters(text: bytes, length: int) -> int:
    """Return the length of a beginning without the bytes of a character that ends after it."""
    while length < len(text) and text[length] & 0xC0 == 0x80:
        length -= 1
    return length


def _keys(project: str, text: bytes) -> list[Key]:
    """Return hashes of a text's beginnings, the shortest first."""
    data = memoryview(text)
    hashed, start, keys = xxhash.xxh3_64(), 0, []
    for end in POINTS:
        if end > len(data):
            break
        hashed.update(data[start:end])
        keys.append((project, end, hashed.intdigest()))
        start = end
    return keys


class _Texts:
    """The texts of a column in UTF-8; what is asked for is copied, and nothing else."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._parts: list[tuple[int, npt.NDArray[np.int32], npt.NDArray[np.uint8]]] = []
        first = 0
        for chunk in column.chunks:
            _, offsets, data = chunk.buffers()
            if len(chunk) and data is not None:
                places = np.frombuffer(offsets, dtype=np.int32)[chunk.offset :]
                self._parts.append((first, places, np.frombuffer(data, dtype=np.uint8)))
            first += len(chunk)

    def __getitem__(self, row: int) -> bytes:
        """Return the text of a row, which is not empty."""
        first, offsets, data = next(part for part in reversed(self._parts) if part[0] <= row)
        return data[offsets[row - first] : offsets[row - first + 1]].tobytes()

    def beginnings(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
        """Return a hash of the beginning of each text, all of SHARED_BYTES_MIN bytes and more.

        `rows` are in order.
        """
        taken = []
        ends = [*(first for first, _, _ in self._parts[1:]), rows[-1] + 1]
        for (first, offsets, data), end in zip(self._parts, ends, strict=True):
            inside = rows[np.searchsorted(rows, first) : np.searchsorted(rows, end)] - first
            taken.append(data[offsets[inside].astype(np.int64)[:, None] + _TELLING])
        words = np.ascontiguousarray(np.concatenate(taken)).view(np.uint64)
        mixed: npt.NDArray[np.uint64] = (words * _FACTORS).sum(axis=1, dtype=np.uint64)
        return mixed ^ (mixed >> np.uint64(31))


def referring(content: pa.Table, references: Mapping[int, Reference]) -> pa.Table:
    """Return rows for whole values, of which those of some rows stand in chains already."""
    own = np.ones(content.num_rows, dtype=bool)
    own[list(references)] = False
    stored = unshared(content.filter(pa.array(own)))
    if not references:
        return stored
    found = content.drop_columns(["value"]).take(pa.array(list(references), pa.int64()))
    places = [("", None, one.chain, one.row, one.chars) for one in references.values()]
    columns = {
        name: pa.array(cells, PLACES.field(name).type)
        for name, cells in zip(PLACES.names, zip(*places, strict=True), strict=True)
    }
    return pa.concat_tables([stored, _with(found, columns).select(stored.column_names)])


def unshared(content: pa.Table) -> pa.Table:
    """Return rows for whole values that share nothing: very long ones in chunks."""
    return _stored(content, _lengths(content), {})


def _lengths(content: pa.Table) -> npt.NDArray[np.int64]:
    return pc.binary_length(content.column("value")).to_numpy().astype(np.int64)


def _stored(
    content: pa.Table, lengths: npt.NDArray[np.int64], places: dict[int, _Place]
) -> pa.Table:
    """Return a row a value; of those in chains, and of very long ones, a row a chunk."""
    long = [int(row) for row in np.flatnonzero(lengths > CHUNK_BYTES_MAX) if row not in places]
    changed = sorted([*long, *places])
    whole = np.ones(len(lengths), dtype=bool)
    whole[changed] = False
    kept = _picked(content, np.flatnonzero(whole)) if changed else content
    alone = {name: pa.nulls(kept.num_rows, PLACES.field(name).type) for name in PLACE}
    stored = _with(kept, alone)
    if not changed:
        return stored
    return pa.concat_tables([stored, _cut(content, changed, places).select(stored.column_names)])


def _picked(content: pa.Table, rows: npt.NDArray[np.int64]) -> pa.Table:
    others = content.drop_columns(["value"]).take(pa.array(rows))
    values = picked_of(content.column("value"), rows)
    return others.append_column("value", values).select(content.column_names)


def _cut(content: pa.Table, changed: list[int], places: dict[int, _Place]) -> pa.Table:
    """Return the rows of some values, a row a chunk."""
    rows: list[int] = []
    cells: dict[str, list[object]] = {name: [] for name in ("value", *PLACE)}
    for row in changed:
        place = places.get(row)
        found = _chunks(place, content.column("value")[row].as_py() if place is None else place.own)
        rows += [row] * len(found)
        for name, values in zip(cells, zip(*found, strict=True), strict=True):
            cells[name] += values
    columns = {name: pa.array(values, PLACES.field(name).type) for name, values in cells.items()}
    return _with(content.drop_columns(["value"]).take(pa.array(rows, pa.int64())), columns)


def _chunks(place: _Place | None, text: str) -> list[tuple[object, ...]]:
    """Return value and PLACE of each chunk of a text."""
    chunks = cut(text) or [""]
    indexes: list[int | None] = [*range(len(chunks))] if len(chunks) > 1 else [None]
    if place is None:
        return [(chunk, i, None, None, None) for chunk, i in zip(chunks, indexes, strict=True)]
    kept = place.kept_chars
    found: list[tuple[object, ...]] = []
    for n, (chunk, i) in enumerate(zip(chunks, indexes, strict=True)):
        found.append((chunk, i, place.chain, place.row + n, kept))
        kept += len(chunk)
    return found


def _with(rows: pa.Table, columns: dict[str, pa.Array]) -> pa.Table:
    for name, column in columns.items():
        rows = rows.append_column(name, column)
    return rows
