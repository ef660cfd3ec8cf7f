"""Statistics of pairs and of agreement against values that are published or counted by hand."""

import numpy as np
import pytest

from otel_threads.core.score import mean
from otel_threads.evaluate import comparison
from otel_threads.evaluate.agreement import interval_alpha, nominal_alpha, share_agreeing
from otel_threads.evaluate.comparison import binomial_two_sided, paired_difference

# Krippendorff (2011), section C: four observers, twelve units, values missing.
OBSERVED = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)


def test_alpha_is_krippendorffs():
    units = [[row[i] for row in OBSERVED if row[i] is not None] for i in range(12)]
    assert nominal_alpha(units) == pytest.approx(0.743, abs=0.0005)
    assert interval_alpha(units) == pytest.approx(0.849, abs=0.0005)


def test_the_largest_values_there_are_overflow_nowhere(monkeypatch):
    units = [[row[i] * 2e299 for row in OBSERVED if row[i] is not None] for i in range(12)]
    assert interval_alpha(units) == pytest.approx(0.849, abs=0.0005)
    assert mean([1.7e308, 1.7e308, 1.7e308]) == pytest.approx(1.7e308)  # stored by earlier versions
    base = np.array([-1e300, 1e300, 0.5, 1.0])
    for most in ("DRAWN_PAIRS_MAX", "EXACT_PAIRS_MAX"):
        monkeypatch.setattr(comparison, most, 3)
    found = paired_difference(base, -base)
    low, high = found.confidence_interval
    assert low < 0 < high < 1e301
    assert 0.9 < found.p_value <= 1


def test_alpha_where_it_is_not_defined():
    assert nominal_alpha([["a"], ["b"]]) is None
    assert nominal_alpha([["a", "a"], ["a", "a"]]) is None
    assert nominal_alpha([]) is None
    assert nominal_alpha([["a", "a"], ["b", "b"]]) == 1
    assert nominal_alpha([["a", "b"], ["b", "a"]]) < 0
    assert share_agreeing([["a", "a"], ["a", "b"], ["c"]]) == 0.5
    assert share_agreeing([["c"]]) is None


@pytest.mark.parametrize(
    ("fewer", "of", "expected"),
    [(0, 0, 1), (0, 1, 1), (0, 5, 0.0625), (1, 5, 0.375), (5, 10, 1), (2, 10, 0.109375)],
)
def test_the_binomial_test_is_exact(fewer, of, expected):
    assert binomial_two_sided(fewer, of) == pytest.approx(expected)


def test_many_throws_do_not_overflow():
    assert binomial_two_sided(4_900, 10_000) == pytest.approx(0.0466, abs=0.0005)


def test_yes_and_no_are_tested_by_the_pairs_that_differ():
    base = np.array([0.0] * 20)
    candidate = np.array([1.0] * 5 + [0.0] * 15)
    found = paired_difference(base, candidate)
    assert (found.test, found.difference, found.p_value) == ("mcnemar_exact", 0.25, 0.0625)


def test_numbers_are_tested_by_flipping_signs_and_exactly_where_pairs_are_few():
    base = np.array([0.5, 0.5, 0.5])
    found = paired_difference(base, base + np.array([0.1, 0.2, 0.3]))
    assert (found.test, found.p_value) == ("sign_flip", 0.25)  # 2 of 8 ways
    assert paired_difference(base, base).p_value == 1
    one = paired_difference(np.array([0.2]), np.array([0.7]))
    assert (one.difference, one.confidence_interval) == (0.5, (0.5, 0.5))


def test_the_interval_holds_the_true_difference_as_often_as_it_says():
    """95 of 100 times; of 200 tries from a known source at least 180 (one in 10,000 has fewer)."""
    draw = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        base = draw.normal(0.5, 0.2, 60)
        candidate = base + draw.normal(0.03, 0.1, 60)
        low, high = paired_difference(base, candidate).confidence_interval
        held += low <= 0.03 <= high
    assert held >= 180


def test_chance_is_not_called_a_difference_more_often_than_one_time_in_twenty():
    draw = np.random.default_rng(8)
    called = 0
    for _ in range(200):
        base = draw.normal(0.5, 0.2, 40)
        called += paired_difference(base, base + draw.normal(0, 0.1, 40)).p_value < 0.05
    assert called <= 22  # 10 are expected


def test_the_same_pairs_give_the_same_numbers():
    draw = np.random.default_rng(9)
    base, candidate = draw.random(500), draw.random(500)
    assert paired_difference(base, candidate) == paired_difference(base, candidate)


def test_many_pairs_are_told_by_the_normal_curve_as_by_draws(monkeypatch):
    draw = np.random.default_rng(10)
    base = draw.random(4000)
    candidate = base + draw.normal(0.004, 0.2, 4000)
    drawn = paired_difference(base, candidate)
    monkeypatch.setattr(comparison, "DRAWN_PAIRS_MAX", 1000)
    curve = paired_difference(base, candidate)
    assert curve.confidence_interval == pytest.approx(drawn.confidence_interval, abs=0.001)
    assert curve.p_value == pytest.approx(drawn.p_value, abs=0.03)
