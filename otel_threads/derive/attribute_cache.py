"""Answers that follow from the names of a span's attributes, remembered per set of names.

One instrumentation has few such sets: what must be looked for on each span is worked out once.
"""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

ATTRIBUTES_MAX = 200  # a span with more is read without remembering its shape
NAMES_LENGTH_MAX = 20_000  # of all names of a span; likewise
# An application has a few dozen shapes, all recordings together some 1,300.
SHAPES_MAX = 4096
BYTES_MAX = 12 << 20  # of the names of all shapes: what a hostile sender fills
NAME_BYTES = 64  # of a name, beside its characters
NAME_LENGTH_MAX = 200  # of a name that is remembered alone
Names = tuple[str, ...]
Answer = TypeVar("Answer")


class Remembered(Generic[Answer]):
    """A function of attribute names that works each set of them out once."""

    def __init__(self, of_names: Callable[[Names], Answer]) -> None:
        """Remember nothing yet."""
        self._of_names = of_names
        self.known: dict[Names, Answer] = {}
        self._bytes = 0

    def work_out(self, names: Names) -> Answer:
        """Return the answer for names that are not known, and know it from now on."""
        answer = self._of_names(names)
        length = sum(map(len, names))
        # Remembering more than this could cost more memory than time.
        if len(names) <= ATTRIBUTES_MAX and length <= NAMES_LENGTH_MAX:
            size_bytes = length + NAME_BYTES * len(names)
            if len(self.known) >= SHAPES_MAX or self._bytes + size_bytes > BYTES_MAX:
                self.known.clear()
                self._bytes = 0
            self._bytes += size_bytes
            self.known[names] = answer
        return answer


class NameMarks:
    """Which of some sets of beginnings a name has one of, worked out once a name."""

    def __init__(self, marks: Iterable[tuple[str, ...]]) -> None:
        """Know the sets; without beginnings every name has one."""
        self._marks = [one for one in dict.fromkeys(marks) if one]
        self._known: dict[str, frozenset[tuple[str, ...]]] = {}

    def of(self, names: Names) -> set[tuple[str, ...]]:
        """Return the sets of which any of the names has a beginning, the empty one among them."""
        found: set[tuple[str, ...]] = {()}
        for name in names:
            marks = self._known.get(name)
            found |= self._work_out(name) if marks is None else marks
        return found

    def _work_out(self, name: str) -> frozenset[tuple[str, ...]]:
        marks = frozenset(one for one in self._marks if name.startswith(one))
        if len(name) <= NAME_LENGTH_MAX:
            if len(self._known) >= SHAPES_MAX:
                self._known.clear()
            self._known[name] = marks
        return marks


def remembered(of_names: Callable[[Names], Answer]) -> Remembered[Answer]:
    """Remember the answer per set of attribute names."""
    return Remembered(of_names)


def by_shape(of_names: Remembered[Answer], attributes: Iterable[str]) -> Answer:
    """Return what a remembered function says of the attributes' names."""
    names = tuple(attributes)
    try:
        return of_names.known[names]
    except KeyError:
        return of_names.work_out(names)
