"""Items of a data set in parts that a server takes; a version comes in several calls."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

Item = dict[str, Any]
PART_ITEMS_MAX = 10_000  # what a server takes are 10,000 items, 16 MiB and 200,000 values
PART_BYTES_MAX = 12 << 20
PART_VALUES_MAX = 150_000


def parts(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield the items in lists, each small enough for one call; an item is never cut."""
    part: list[Item] = []
    size_bytes = value_count = 0
    for item in items:
        text = json.dumps(item)
        # Each value has one of these before it; within texts they count, too: never too few.
        values = 1 + sum(map(text.count, ",:[{"))
        is_full = (
            len(part) == PART_ITEMS_MAX
            or size_bytes + len(text) > PART_BYTES_MAX
            or value_count + values > PART_VALUES_MAX
        )
        if part and is_full:
            yield part
            part, size_bytes, value_count = [], 0, 0
        part.append(item)
        size_bytes += len(text)
        value_count += values
    if part:
        yield part
