"""A sort as people write it: `-cost_usd`, `cost_usd desc`, `cost_usd`."""

import re

_WORDS = re.compile(r"\s*(-?)\s*(.+?)(?:\s+(asc|desc))?\s*", re.IGNORECASE | re.DOTALL)


def normalized(sort: str) -> str:
    """Return it with `-` before what descends; a text that is no sort stays as it is."""
    found = _WORDS.fullmatch(sort)
    if found is None:
        return sort
    minus, name, word = found.groups()
    descends = (minus == "-") != ((word or "").lower() == "desc")
    return f"{'-' if descends else ''}{name}"
