"""Answers that follow from the names of a span's attributes, remembered per set of names.

One instrumentation has few such sets: what must be looked for on each span is worked out once.
"""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

ATTRIBUTES_MAX = 200  # a span with more is read without remembering its shape
NAMES_LENGTH_MAX = 20_000  # of all names of a span; likewise
SHAPES_MAX = 512  # an application has a few dozen; a hostile sender fills 60 MB at most
Names = tuple[str, ...]
Answer = TypeVar("Answer")


class Remembered(Generic[Answer]):
    """A function of attribute names that works each set of them out once."""

    def __init__(self, of_names: Callable[[Names], Answer]) -> None:
        """Remember nothing yet."""
        self._of_names = of_names
        self.known: dict[Names, Answer] = {}

    def work_out(self, names: Names) -> Answer:
        """Return the answer for names that are not known, and know it from now on."""
        answer = self._of_names(names)
        # Remembering more than this could cost more memory than time.
        if len(names) <= ATTRIBUTES_MAX and sum(map(len, names)) <= NAMES_LENGTH_MAX:
            if len(self.known) >= SHAPES_MAX:
                self.known.clear()
            self.known[names] = answer
        return answer


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
