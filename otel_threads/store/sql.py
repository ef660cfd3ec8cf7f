"""Reads the .sql files beside this module: one statement a file, its header says what for."""

import re
from importlib import resources
from typing import NamedTuple


class Migration(NamedTuple):
    """One numbered step of the schema."""

    number: int
    name: str
    text: str


def query(name: str) -> str:
    """Return the text of queries/NAME.sql.

    Raises:
        FileNotFoundError: there is none; asked at import, so that a missing file stops the start.
    """
    return (resources.files(__package__) / "queries" / f"{name}.sql").read_text(encoding="utf-8")


def migrations() -> list[Migration]:
    """Return the steps of schema/, in order of their numbers: 1, 2, 3 without a gap.

    Raises:
        ValueError: a number is missing or given twice.
    """
    found = []
    for file in (resources.files(__package__) / "schema").iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name)
        if match:
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort()
    if [step.number for step in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"schema/ is not numbered 1, 2, 3: {[step.number for step in found]}")
    return found
