"""SQL's `like` in time that is linear in the text: no pattern makes a search go back.

What stands between two `%` is looked for from left to right, each as early as it can be. A search
with `_` is an AND of numbers that have a bit for each place of a sign.
"""


class Like:
    """A pattern: `%` is any text, `_` any character; case counts for nothing."""

    def __init__(self, pattern: str) -> None:
        self._head, *self._inner = pattern.casefold().split("%")
        self._tail = self._inner.pop() if self._inner else None

    def holds(self, text: str) -> bool:
        """Return whether the whole of a text is as the pattern says."""
        text = text.casefold()
        if not _stands(self._head, text, 0):
            return False
        at = len(self._head)
        if self._tail is None:
            return at == len(text)
        end = len(text) - len(self._tail)
        if end < at or not _stands(self._tail, text, end):
            return False
        places = _Places(text)
        for segment in self._inner:
            found = places.find(segment, at)
            if found < 0:
                return False
            at = found + len(segment)
        return at <= end


def _stands(segment: str, text: str, at: int) -> bool:
    there = text[at : at + len(segment)]
    return len(there) == len(segment) and all(
        sign in ("_", one) for sign, one in zip(segment, there, strict=True)
    )


class _Places:
    """Where the signs of one text are."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._bits: dict[str, int] = {}

    def find(self, segment: str, start: int) -> int:
        """Return the first place of a segment from `start` on, -1 where there is none."""
        if "_" not in segment:
            return self._text.find(segment, start)
        count = len(self._text) - len(segment) + 1 - start
        if count <= 0:
            return -1
        found = (1 << count) - 1 << start
        for i, sign in enumerate(segment):
            if sign != "_":
                found &= self._of(sign) >> i
            if not found:
                return -1
        return (found & -found).bit_length() - 1

    def _of(self, sign: str) -> int:
        """Return a number whose bit n is set where character n of the text is this sign."""
        if sign not in self._bits:
            gaps = self._text[::-1].split(sign)  # the first digit of a number is its highest
            self._bits[sign] = int("0" + "1".join("0" * len(gap) for gap in gaps), 2)
        return self._bits[sign]
