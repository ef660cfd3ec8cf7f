"""Lists of OTLP attributes as maps of text, without a Python object an attribute.

Only nested values, bytes and doubles pass through Python one by one.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import ArrayValue, KeyValueList

from otel_threads.decode import chunks, values
from otel_threads.decode.picked import picked

CONTENT_BYTES_MIN = 257  # a value this long goes to span_content, which is zstd-compressed

# A map in DuckDB costs 32 bytes an entry, 2,048 maps at once. What is beyond is one long value, a
# JSON object {key: [text, letter]}, the text null where it is a long value of its own.
ENTRIES_MAX = 1024
MORE = "otel_threads.more_attributes"
_NUMBERED = re.compile(r"(?:^|[._])\d+(?:[._]|$)")  # a list that was flattened; it goes first

Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Attributes:
    """One list of attributes per owner: the map, its letters, and what is too long for it."""

    map: pa.Array
    types: pa.Array
    long_owner: Index
    long_keys: pa.Array
    long_values: pa.Array
    bad: dict[int, str] = field(default_factory=dict)  # owner → what is wrong with its values
    cut: dict[int, str] = field(default_factory=dict)  # owner → what was too long and was cut
    keys: pa.Array | None = None
    texts: pa.Array | None = None
    strings: pa.Array | None = None  # where `texts` lacks long ones
    offsets: Index | None = None

    def find(self, key: str) -> pa.Array:
        """Return the value under `key` per owner, null where it is not a non-empty string."""
        assert self.keys is not None
        assert self.texts is not None
        assert self.offsets is not None
        owners = len(self.offsets) - 1
        hits = np.flatnonzero(pc.equal(self.keys, key).to_numpy(zero_copy_only=False))
        if not len(hits):
            return pa.nulls(owners, pa.string())
        where = np.full(owners, -1, dtype=np.int64)
        where[np.searchsorted(self.offsets, hits, side="right") - 1] = hits
        places = pa.array(where, mask=where < 0)
        found = self.texts.take(places)
        if self.strings is not None:  # where it is long, too
            found = pc.coalesce(found, self.strings.take(places))
        return pc.if_else(pc.equal(found, ""), None, found)


def offsets_of(lists: pa.Array) -> Index:
    """Return where each list of an array begins, and where the last one ends."""
    return np.asarray(lists.offsets).astype(np.int64)


def owners(lists: pa.Array) -> Index:
    """Return, for each value of a list array, the index of the list that holds it."""
    return np.repeat(np.arange(len(lists)), np.diff(offsets_of(lists)))


def own(array: pa.Array) -> pa.Array:
    """Return a copy in memory of its own: a view of a request keeps all of it, messages too."""
    return pa.concat_arrays([array])


def attributes_of(lists: pa.Array, *, inline: bool = False) -> Attributes:
    """Return one map of text and one string of letters per list of key-value pairs.

    `inline` keeps long values in the map; else they are split out and null in the map.
    A key that is repeated keeps its last value: OTLP forbids it, so any choice is ours.
    """
    pairs, bad, cut = _pairs(lists, inline=inline)
    if inline:
        cut |= _cut_texts(pairs)
    long = _long_rows(pairs.texts, inline=inline)
    mapped = _without(pairs.texts, long) if len(long) else own(pairs.texts)
    long_rows, long_texts = _all_long(pairs, long)
    long_values = pairs.owner_of[long_rows], pairs.keys.take(pa.array(long_rows)), long_texts
    (maps, types), more = _maps(pairs.keys, mapped, pairs.letters, pairs.offsets)
    if more and inline:
        cut |= dict.fromkeys(more, f"only {ENTRIES_MAX} of its attributes were kept")
    elif more:
        long_values = _with_more(*long_values, more)
    return Attributes(
        map=maps,
        types=types,
        long_owner=long_values[0],
        long_keys=long_values[1],
        long_values=long_values[2],
        bad=bad,
        cut=cut,
        keys=pairs.keys,
        texts=pairs.texts,
        strings=pairs.strings if len(pairs.long_strings) else None,
        offsets=pairs.offsets,
    )


@dataclass(slots=True)
class _Pairs:
    """Key-value pairs of all lists, one after the other."""

    keys: pa.Array
    texts: pa.Array
    letters: npt.NDArray[np.uint8]
    owner_of: Index  # the index of the list that holds each
    offsets: Index  # where each list begins, and where the last one ends
    strings: pa.Array  # those values that were sent as text, as they were received
    long_strings: Index  # which of these are long: null in `texts`, they are not copied with it


def _pairs(lists: pa.Array, *, inline: bool) -> tuple[_Pairs, dict[int, str], dict[int, str]]:
    """Return the pairs, each key once a list; and by owner, what is wrong and what was cut."""
    pair = lists.values
    keys, value = own(pair.field("key")), pair.field("value")
    offsets = offsets_of(lists)
    strings = value.field("string_value")
    long = _long_rows(strings, inline=inline)
    short = _without(strings, long) if len(long) else strings
    texts, letters, bad_pairs = _texts(value, short)
    owner_of = np.repeat(np.arange(len(lists)), np.diff(offsets))
    bad = {
        int(owner_of[i]): f"attribute {keys[i].as_py()!r}: {why}" for i, why in bad_pairs.items()
    }
    cut = {
        int(owner_of[i]): "an attribute's key was too long and was cut"
        for i in chunks.too_long(keys)
    }
    keys = chunks.beginnings(keys)  # before the next: two keys may have the same beginning
    pairs = _Pairs(keys, texts, letters, owner_of, offsets, strings, long)
    last = _last_of_key(keys, owner_of, len(lists))
    return pairs if last is None else _kept(pairs, last), bad, cut


def _kept(pairs: _Pairs, keep: Mask) -> _Pairs:
    owner_of = pairs.owner_of[keep]
    counts = np.bincount(owner_of, minlength=len(pairs.offsets) - 1)
    return _Pairs(
        pairs.keys.filter(keep),
        pairs.texts.filter(keep),
        pairs.letters[keep],
        owner_of,
        np.concatenate(([0], np.cumsum(counts))),
        pairs.strings.filter(keep),
        (np.cumsum(keep) - 1)[pairs.long_strings[keep[pairs.long_strings]]],
    )


def _cut_texts(pairs: _Pairs) -> dict[int, str]:
    """Cut texts that are too long; return by owner what was cut."""
    cut = {}
    for i in chunks.too_long(pairs.texts):
        pairs.letters[i] = ord("s")  # the beginning of JSON or base64 is only a text
        name = pairs.keys[i].as_py()
        cut[int(pairs.owner_of[i])] = f"attribute {name!r} was too long and was cut"
    pairs.texts = chunks.beginnings(pairs.texts)
    return cut


def _long_rows(texts: pa.Array, *, inline: bool) -> Index:
    """Return which texts do not stay in their map, in order."""
    if inline or not len(texts):
        return np.empty(0, dtype=np.int64)
    lengths = pc.fill_null(pc.binary_length(texts), 0).to_numpy()
    return np.flatnonzero(lengths >= CONTENT_BYTES_MIN)


def _all_long(pairs: _Pairs, others: Index) -> tuple[Index, pa.Array]:
    """Return the rows of all long values, in order, and these; `others` were no strings."""
    strings = picked(pairs.strings, pairs.long_strings)
    if not len(others):
        return pairs.long_strings, strings
    rows = np.concatenate([pairs.long_strings, others])
    order = np.argsort(rows)
    values = pa.concat_arrays([strings, pairs.texts.take(pa.array(others))])
    return rows[order], values.take(pa.array(order))


def _without(texts: pa.Array, rows: Index) -> pa.Array:
    """Return texts with null in some rows; `if_else` would keep the bytes of what it takes out."""
    mask = np.zeros(len(texts), dtype=bool)
    mask[rows] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.scalar(None, pa.string()))


def _with_more(
    owner: Index, keys: pa.Array, texts: pa.Array, more: dict[int, str]
) -> tuple[Index, pa.Array, pa.Array]:
    """Return long values and what is beyond the maps, which alone has our key."""
    kept = pc.not_equal(keys, MORE).to_numpy(zero_copy_only=False) | ~np.isin(owner, list(more))
    mask = pa.array(kept)
    return (
        np.concatenate([owner[kept], np.array(list(more))]),
        pa.concat_arrays([keys.filter(mask), pa.array([MORE] * len(more), pa.string())]),
        pa.concat_arrays([texts.filter(mask), pa.array(list(more.values()), pa.string())]),
    )


def _maps(
    keys: pa.Array, mapped: pa.Array, letters: npt.NDArray[np.uint8], offsets: Index
) -> tuple[tuple[pa.Array, pa.Array], dict[int, str]]:
    """Return maps of ENTRIES_MAX entries and their letters; and by owner, what is beyond."""
    keep, more = _beyond(keys, mapped, letters, offsets)
    if more:
        kept = pa.array(keep)
        keys, mapped, letters = keys.filter(kept), mapped.filter(kept), letters[keep]
        offsets = np.concatenate(([0], np.cumsum(keep)))[offsets]
    offset_array = pa.array(offsets.astype(np.int32))
    types = pa.StringArray.from_buffers(
        len(offsets) - 1, offset_array.buffers()[1], pa.py_buffer(np.ascontiguousarray(letters))
    )
    return (pa.MapArray.from_arrays(offset_array, keys, mapped), types), more


def _beyond(
    keys: pa.Array, mapped: pa.Array, letters: npt.NDArray[np.uint8], offsets: Index
) -> tuple[Mask, dict[int, str]]:
    """Return which entries stay within ENTRIES_MAX a map; and by owner, the others as JSON."""
    more: dict[int, str] = {}
    keep = np.ones(len(keys), dtype=bool)
    for owner in np.flatnonzero(np.diff(offsets) > ENTRIES_MAX).tolist():
        start, end = int(offsets[owner]), int(offsets[owner + 1])
        names = keys.slice(start, end - start).to_pylist()
        texts = mapped.slice(start, end - start).to_pylist()
        # Our own key never stays in the map: there it would be a sender's, of fewer attributes.
        by_use = sorted(
            range(len(names)),
            key=lambda i: 2 if names[i] == MORE else bool(_NUMBERED.search(names[i])),
        )
        beyond = sorted(by_use[ENTRIES_MAX:])
        keep[start + np.array(beyond)] = False
        more[owner] = json.dumps(
            {names[i]: [texts[i], chr(letters[start + i])] for i in beyond}, ensure_ascii=False
        )
    return keep, more


def _last_of_key(keys: pa.Array, owner_of: Index, owners: int) -> Mask | None:
    """Return which pairs are the last of their key within their owner; None when all are."""
    if not len(keys):
        return None
    encoded = keys.dictionary_encode()
    distinct = len(encoded.dictionary)
    combined = owner_of * distinct + encoded.indices.to_numpy()
    if owners * distinct <= 4 * len(keys) + 65536:
        unique = int(np.bincount(combined, minlength=1).max()) <= 1
    else:
        unique = len(np.unique(combined)) == len(combined)
    if unique:
        return None
    _, first_from_end = np.unique(combined[::-1], return_index=True)
    mask = np.zeros(len(combined), dtype=bool)
    mask[len(combined) - 1 - first_from_end] = True
    return mask


def _texts(
    value: pa.Array, strings: pa.Array
) -> tuple[pa.Array, npt.NDArray[np.uint8], dict[int, str]]:
    """Return text, letter and, for malformed nested values, what is wrong, per AnyValue.

    `strings` are its texts that were sent as such.
    """
    count = len(value)
    letters = np.full(count, ord("n"), dtype=np.uint8)
    bad: dict[int, str] = {}
    if not count:
        return strings, letters, bad
    others = _set_letters(value, letters)
    if not others:
        return strings, letters, bad
    replaced = np.zeros(count, dtype=bool)
    found: list[tuple[Index, pa.Array]] = []
    for name, where in others.items():
        child = value.field(name).take(pa.array(where))
        if name in ("int_value", "bool_value"):
            text = child.cast(pa.string())
        else:
            text = pa.array(_slow_texts(name, child, where, letters, bad), pa.string())
        replaced[where] = True
        found.append((where, text))
    order = np.argsort(np.concatenate([where for where, _ in found]), kind="stable")
    replacements = pa.concat_arrays([text for _, text in found]).take(pa.array(order))
    return pc.replace_with_mask(strings, pa.array(replaced), replacements), letters, bad


def _set_letters(value: pa.Array, letters: npt.NDArray[np.uint8]) -> dict[str, Index]:
    """Set the letter of each value; return where there is something else than strings, by kind."""
    present = value.is_valid().to_numpy(zero_copy_only=False) if value.null_count else None
    others: dict[str, Index] = {}
    for name, letter in _LETTERS:
        child = value.field(name)
        if child.null_count == len(value):
            continue
        valid = child.is_valid().to_numpy(zero_copy_only=False)
        if present is not None:
            valid = valid & present
        letters[valid] = ord(letter)
        if name != "string_value":
            others[name] = np.flatnonzero(valid)
    return others


def _slow_texts(
    name: str, child: pa.Array, where: Index, letters: npt.NDArray[np.uint8], bad: dict[int, str]
) -> list[str | None]:
    texts: list[str | None] = []
    for i, raw in zip(where.tolist(), child.to_pylist(), strict=True):
        if name == "double_value":
            texts.append(repr(raw))
        elif name == "bytes_value":
            texts.append(base64.b64encode(raw).decode())
        else:
            try:
                text, letter = _NESTED[name](raw)
            except (DecodeError, RecursionError) as error:
                bad[i] = f"malformed {name}: {error}"
                text, letter = None, "n"
            letters[i] = ord(letter)
            texts.append(text)
    return texts


_LETTERS = (
    ("string_value", "s"),
    ("bool_value", "b"),
    ("int_value", "i"),
    ("double_value", "d"),
    ("array_value", "j"),
    ("kvlist_value", "j"),
    ("bytes_value", "y"),
)
_NESTED: dict[str, Callable[[bytes], values.Encoded]] = {
    "array_value": lambda raw: values.encode_array(ArrayValue.FromString(raw)),
    "kvlist_value": lambda raw: values.encode_kvlist(KeyValueList.FromString(raw)),
}
