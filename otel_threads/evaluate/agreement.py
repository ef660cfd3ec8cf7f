"""How far several people who scored the same things agree: Krippendorff's alpha. Pure.

Source: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), its formulas for
nominal and interval data; the test holds both to the values of its examples.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

Value = TypeVar("Value", bound=Hashable)


def nominal_alpha(units: Sequence[Sequence[Hashable]]) -> float | None:
    """Return alpha of labels: what each unit was given, by however many.

    None where no unit has two values, or all values are the same: it is undefined there.
    """
    return _alpha(units, lambda one, other: float(one != other))


def interval_alpha(units: Sequence[Sequence[float]]) -> float | None:
    """As `nominal_alpha`, of numbers whose distance counts."""
    largest = max((abs(value) for values in units for value in values), default=0.0)
    scale = math.frexp(largest)[1]  # a power of two: exact, and squares stay finite
    scaled = [[math.ldexp(value, -scale) for value in values] for values in units]
    return _alpha(scaled, lambda one, other: (one - other) ** 2)


def share_agreeing(units: Sequence[Sequence[Hashable]]) -> float | None:
    """Return the share of pairs of values of one unit that are the same; None without a pair."""
    pairs = [one == other for values in units for one, other in combinations(values, 2)]
    return sum(pairs) / len(pairs) if pairs else None


def _alpha(
    units: Sequence[Sequence[Value]], distance: Callable[[Value, Value], float]
) -> float | None:
    paired = [values for values in units if len(values) > 1]
    counts: Counter[Value] = Counter(value for values in paired for value in values)
    total = sum(counts.values())
    if total < 2:
        return None
    observed = math.fsum(
        _within(Counter(values), distance) / (len(values) - 1) for values in paired
    )
    expected = _within(counts, distance) / (total - 1)
    return 1 - observed / expected if expected else None


def _within(counts: Mapping[Value, int], distance: Callable[[Value, Value], float]) -> float:
    """Return the sum of the distances of all ordered pairs of values."""
    return 2 * math.fsum(
        counts[one] * counts[other] * distance(one, other) for one, other in combinations(counts, 2)
    )
