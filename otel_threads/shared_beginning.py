"""How far two texts are the same from their beginning on."""

from typing import AnyStr


def shared_length(earlier: AnyStr, text: AnyStr) -> int:
    """Return how many characters, or bytes, two texts have in common from their beginning on."""
    known, beyond = 0, min(len(earlier), len(text))
    if text.startswith(earlier[:beyond]):
        return beyond
    step = 4  # the difference is mostly near the end
    while step < beyond and not text.startswith(earlier[: beyond - step]):
        beyond, step = beyond - step, step * 4
    known = max(0, beyond - step)
    while beyond - known > 1:
        middle = (known + beyond) // 2
        if earlier[known:middle] == text[known:middle]:
            known = middle
        else:
            beyond = middle
    return known
