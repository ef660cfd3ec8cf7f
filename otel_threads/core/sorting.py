"""A sort as people write it: `-cost_usd`, `cost_usd desc`, `cost_usd`."""

import re

from otel_threads.core.errors import InvalidQuery

_WORDS = re.compile(r"\s*(-?)\s*(.+?)(?:\s+(asc|desc))?\s*", re.IGNORECASE | re.DOTALL)


def normalized(sort: str) -> str:
    """Return it with `-` before what descends; a text that is no sort stays as it is.

    Raises:
        InvalidQuery: it says twice which way.
    """
    found = _WORDS.fullmatch(sort)
    if found is None:
        return sort
    minus, name, word = found.groups()
    if minus and word:
        raise InvalidQuery(
            f"sort {sort!r} says twice which way: write -{name}, {name} desc or {name} asc"
        )
    descends = minus == "-" or (word or "").lower() == "desc"
    return f"{'-' if descends else ''}{name}"
