"""Files of exports, item by item: JSON lines, a JSON list, Parquet.

Nothing is read whole but a list. A line or row has the place behind it, from which reading goes on
after an interrupt.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LINE_BYTES_MAX = 256 << 20  # of one item
ROWS_AT_ONCE = 200


class UnreadableFile(ValueError):
    """A file is none that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class ReadItem:
    """One item of a file; `fault` says why there is none.

    `place` is behind it, in units of `size`.
    """

    number: int  # of the line or row, from 1
    place: int
    item: Mapping[str, Any] | None
    fault: str | None = None


def size(file: Path) -> int:
    """Return how large a file is: in bytes, of Parquet in rows."""
    if _is_parquet(file):
        return int(_parquet(file).metadata.num_rows)
    return file.stat().st_size


def items(file: Path, *, after: int = 0) -> Iterator[ReadItem]:
    """Yield the items behind a place.

    Raises:
        UnreadableFile: it is no JSON lines, no JSON list and no Parquet.
    """
    if _is_parquet(file):
        yield from _rows(file, after)
    elif _begins_with(file, b"["):
        yield from _listed(file, after)
    else:
        yield from _lines(file, after)


def _is_parquet(file: Path) -> bool:
    return _begins_with(file, b"PAR1")


def _begins_with(file: Path, mark: bytes) -> bool:
    with file.open("rb") as opened:
        return opened.read(64).lstrip().startswith(mark)


def _lines(file: Path, after: int) -> Iterator[ReadItem]:
    with file.open("rb") as opened:
        number = 0
        if after:
            while opened.tell() < after and opened.readline(LINE_BYTES_MAX):
                number += 1
        while line := opened.readline(LINE_BYTES_MAX + 1):
            number += 1
            place = opened.tell()
            if len(line) > LINE_BYTES_MAX:
                raise UnreadableFile(f"line {number} is longer than {LINE_BYTES_MAX} bytes")
            if line.strip():
                yield _parsed(line, number, place)


def _parsed(line: bytes, number: int, place: int) -> ReadItem:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        return ReadItem(number, place, None, f"line {number} is not JSON: {str(error)[:100]}")
    if not isinstance(found, dict):
        return ReadItem(number, place, None, f"line {number} is not a JSON object")
    return ReadItem(number, place, found)


def _listed(file: Path, after: int) -> Iterator[ReadItem]:
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"it begins as a JSON list and is none: {str(error)[:100]}") from None
    total = file.stat().st_size
    for i, item in enumerate(found, 1):
        place = total * i // len(found)
        if place <= after:
            continue
        fault = None if isinstance(item, dict) else f"item {i} is not a JSON object"
        yield ReadItem(i, place, item if fault is None else None, fault)


def _parquet(file: Path) -> Any:
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file)  # type: ignore[attr-defined]  # not in our stub
    except Exception as error:
        raise UnreadableFile(f"it is no Parquet file: {str(error)[:100]}") from error


def _rows(file: Path, after: int) -> Iterator[ReadItem]:
    number = 0
    for batch in _parquet(file).iter_batches(batch_size=ROWS_AT_ONCE):
        if number + batch.num_rows <= after:
            number += batch.num_rows
            continue
        for row in batch.to_pylist():
            number += 1
            if number > after:
                yield ReadItem(number, number, _named(row))


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with ids as text, however Parquet holds them."""
    return {
        name: str(uuid.UUID(bytes=one)) if isinstance(one, bytes) and len(one) == 16 else one
        for name, one in row.items()
        if not isinstance(one, bytes) or len(one) == 16
    }
