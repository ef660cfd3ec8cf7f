"""A page of a list."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """Some items of a list, and the cursor of the next page: null at the end.

    `total` counts the whole selection where the caller wanted to know.
    """

    next_cursor: str | None
    total: int | None = None
    items: list[Item]
