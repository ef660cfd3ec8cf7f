"""What two runs differ in, score by score, over the items of both: statistics of pairs. Pure.

Nothing here draws anew: the same pairs give the same numbers.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otel_threads.core.score import mean

RESAMPLES = 2000
CONFIDENCE = 0.95
EXACT_PAIRS_MAX = 12  # 4,096 ways to flip the signs
DRAWN_PAIRS_MAX = 20_000  # two million draws of more take minutes, and the normal curve is as good
CHUNK_VALUES = 2_000_000  # drawn at once: 16 MB
Values = NDArray[np.float64]
Test = Literal["mcnemar_exact", "sign_flip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """The mean difference of pairs, where it may lie, and how likely it is by chance."""

    difference: float
    confidence_interval: tuple[float, float]
    p_value: float
    test: Test


def paired_difference(base: Values, candidate: Values) -> PairedDifference:
    """Return what `candidate` differs from `base` in; both have one value a pair, at least one."""
    differences = candidate - base
    is_yes_no = bool(np.isin(base, (0.0, 1.0)).all() and np.isin(candidate, (0.0, 1.0)).all())
    return PairedDifference(
        difference=_mean(differences),
        confidence_interval=_interval(differences),
        p_value=_mcnemar(differences) if is_yes_no else _sign_flip(differences),
        test="mcnemar_exact" if is_yes_no else "sign_flip",
    )


def _interval(differences: Values) -> tuple[float, float]:
    """Return the percentiles of the means of samples that are drawn from the pairs.

    Of more than DRAWN_PAIRS_MAX pairs, those of the normal curve that these means follow.
    """
    pairs = len(differences)
    if pairs == 1 or np.ptp(differences) == 0:
        return _mean(differences), _mean(differences)
    if pairs > DRAWN_PAIRS_MAX:
        # hypot squares nothing that is large
        deviation = math.hypot(*(differences - differences.mean())) / math.sqrt(pairs - 1)
        reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * deviation
        middle, half = _mean(differences), reach / math.sqrt(pairs)
        return middle - half, middle + half
    draw = np.random.default_rng(0)
    rows = max(1, CHUNK_VALUES // pairs)
    means = [
        differences[draw.integers(0, pairs, (min(rows, RESAMPLES - done), pairs))].mean(axis=1)
        for done in range(0, RESAMPLES, rows)
    ]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.concatenate(means), (tail, 1 - tail))
    return float(low), float(high)


def _mcnemar(differences: Values) -> float:
    """Return the exact p-value of two sides: of the pairs that differ, how many went which way.

    Source: McNemar's test, exact: the binomial distribution with p = 1/2.
    """
    up, down = int((differences > 0).sum()), int((differences < 0).sum())
    return binomial_two_sided(min(up, down), up + down)


def binomial_two_sided(fewer: int, of: int) -> float:
    """Return how likely at most `fewer` heads or at most as many tails are in `of` fair throws."""
    if of == 0:
        return 1.0
    logs = [
        math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) - of * math.log(2)
        for k in range(fewer + 1)
    ]
    return min(1.0, 2 * math.fsum(map(math.exp, logs)))


def _sign_flip(differences: Values) -> float:
    """Return how often a mean at least as far from 0 comes out where signs are chance.

    All ways to flip them for up to EXACT_PAIRS_MAX pairs that differ, else RESAMPLES draws; of more
    than DRAWN_PAIRS_MAX, the normal curve.
    """
    given = differences[differences != 0]
    pairs = len(given)
    if pairs == 0:
        return 1.0
    observed = abs(float(given.sum())) * (1 - 1e-12)
    if pairs <= EXACT_PAIRS_MAX:
        ways = np.arange(1 << pairs)[:, None] >> np.arange(pairs) & 1
        return float((np.abs((1 - 2 * ways) @ given) >= observed).mean())
    if pairs > DRAWN_PAIRS_MAX:
        return 2 * NormalDist().cdf(-observed / math.hypot(*given))
    draw = np.random.default_rng(0)
    rows = max(1, CHUNK_VALUES // pairs)
    extreme = 0
    for done in range(0, RESAMPLES, rows):
        signs = draw.integers(0, 2, (min(rows, RESAMPLES - done), pairs), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs @ given) >= observed).sum())
    return (extreme + 1) / (RESAMPLES + 1)


def _mean(values: Values) -> float:
    return float(f"{mean(values.tolist()) or 0.0:.12g}")
