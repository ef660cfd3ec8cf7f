"""Exports of other products as the calls that bring them in: what every vendor's reader returns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Item = Mapping[str, Any]  # a line of JSON lines, or a row of Parquet


@dataclass(frozen=True, slots=True)
class ExportCall:
    """One call of a vendor's REST interface, and how many items it brings in."""

    method: str
    path: str
    body: Mapping[str, Any]
    item_count: int


class NotImportable(ValueError):
    """An item is none that can be brought in; the message says why."""


# Of some items and a project, None for what each item names: the calls, in their order.
ReadExport = Callable[[Sequence[Item], str | None], Iterable[ExportCall]]
