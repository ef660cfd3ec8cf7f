"""Reads the .sql files of store/ and lake/: one statement a file, its header says what for."""

import functools
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import NamedTuple

ROOT = Path(str(resources.files("otel_threads")))
STORE = ROOT / "store"
ROOMS = (STORE, ROOT / "lake")


class Migration(NamedTuple):
    """One numbered step of the schema."""

    number: int
    name: str
    text: str


def query(name: str) -> str:
    """Return the text of queries/NAME.sql, in whichever room it lies.

    Raises:
        KeyError: there is none; asked at import, so that a missing file stops the start.
    """
    return _queries()[name].read_text(encoding="utf-8")


def counting(name: str, columns: str = "") -> str:
    """Return a query of how many rows queries/NAME.sql has without its `$limit`, as `found`.

    Rows that have the same in `columns`, if any are named, count once. Bind null to `$limit` and 0
    to `$offset`.
    """
    rows = f"select distinct {columns} from" if columns else "from"
    return f"select count(*) as found from ({rows} (\n{query(name)}\n))"  # noqa: S608  # our own texts


@functools.cache
def _queries() -> Mapping[str, Path]:
    return {file.stem: file for room in ROOMS for file in room.rglob("queries/*.sql")}


def migrations() -> list[Migration]:
    """Return the steps of schema/, in order of their numbers: 1, 2, 3 without a gap.

    Raises:
        ValueError: a number is missing or given twice.
    """
    found = []
    for file in (STORE / "schema").iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name)
        if match:
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort()
    if [step.number for step in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"schema/ is not numbered 1, 2, 3: {[step.number for step in found]}")
    return found
