"""Answers that follow from the names of a span's attributes, remembered per set of names.

One instrumentation has few such sets: what must be looked for on each span is worked out once.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

ATTRIBUTES_MAX = 200  # a span with more is read without remembering its shape
NAMES_LENGTH_MAX = 20_000  # of all names of a span; likewise
SHAPES_MAX = 512  # an application has a few dozen; a hostile sender fills 60 MB at most
Names = tuple[str, ...]
Answer = TypeVar("Answer")


def remembered(of_names: Callable[[Names], Answer]) -> Callable[[Names], Answer]:
    """Remember the answer per set of attribute names."""
    return lru_cache(SHAPES_MAX)(of_names)


def by_shape(of_names: Callable[[Names], Answer], attributes: Mapping[str, Any]) -> Answer:
    """Return what a remembered function says of the attributes' names."""
    names = tuple(attributes)
    if (
        len(names) > ATTRIBUTES_MAX or sum(map(len, names)) > NAMES_LENGTH_MAX
    ):  # remembering these could cost more memory than time
        of_names = getattr(of_names, "__wrapped__", of_names)
    return of_names(names)
