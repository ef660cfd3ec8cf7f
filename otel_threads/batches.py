"""Items in batches: as many together as are not too heavy for one reading or one statement."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def batches(
    items: Iterable[Item],
    weight: Callable[[Item], int],
    *,
    weight_max: int,
    items_max: int | None = None,
) -> Iterator[list[Item]]:
    """Yield items in their order, as many together as weigh `weight_max`; a heavier one is alone.

    `items_max` are together at most.
    """
    together: list[Item] = []
    total = 0
    for item in items:
        own = weight(item)
        if together and (total + own > weight_max or len(together) == items_max):
            yield together
            together, total = [], 0
        together.append(item)
        total += own
    if together:
        yield together
