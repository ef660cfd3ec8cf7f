"""A sort as people write it: `-cost_usd`, `cost_usd desc`, `cost_usd`."""

from otel_threads.core.errors import InvalidQuery


def normalized(sort: str) -> str:
    """Return it with `-` before what descends; a text that is no sort stays as it is.

    Raises:
        InvalidQuery: it says twice which way.
    """
    words = sort.strip()
    minus = words.startswith("-")
    name = words.removeprefix("-").strip()
    if not name:
        return sort
    *before, last = name.rsplit(None, 1)
    word = last.lower() if before and last.lower() in ("asc", "desc") else None
    if word:
        name = before[0]
    if minus and word:
        raise InvalidQuery(
            f"sort {sort!r} says twice which way: write -{name}, {name} desc or {name} asc"
        )
    return f"-{name}" if minus or word == "desc" else name
