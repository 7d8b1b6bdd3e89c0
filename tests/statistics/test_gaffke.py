"""The bound of a mean: exact where exact values exist, and monotone in every answer."""

import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from dsafe_runner.statistics.gaffke import lower_bound, p_value


def upper_bound(units, best, alpha):
    return -lower_bound({(-total, size): count for (total, size), count in units.items()}, -best, alpha)


@pytest.mark.parametrize(("k", "n"), [(0, 20), (1, 1), (3, 20), (20, 20), (0, 149), (7, 463), (1283, 1567)])
def test_it_is_clopper_pearson_for_yes_and_no(k, n):
    units = {cell: count for cell, count in {(1, 1): k, (0, 1): n - k}.items() if count}
    for confidence in (0.9, 0.98):
        oracle = scipy_stats.binomtest(k, n).proportion_ci(confidence, method="exact")
        alpha = (1 - confidence) / 2
        assert lower_bound(units, 0, alpha) == pytest.approx(oracle.low, abs=1e-8)
        assert upper_bound(units, 1, alpha) == pytest.approx(oracle.high, abs=1e-8)
    assert p_value(units, 0, 0.3) == pytest.approx(scipy_stats.binom.sf(k - 1, n, 0.3), abs=1e-10)


@pytest.mark.parametrize("n", [2, 3, 5, 12, 40])
def test_p_equals_the_exact_distribution_of_a_weighted_mean(n):
    """Curry & Schoenberg 1966: a mean of distinct values with uniform weights has a B-spline density; p is rational."""
    rng = random.Random(n)
    for _ in range(5):
        values = [Fraction(0), *(Fraction(v) for v in rng.sample(range(1, 1001), n))]
        mean = Fraction(rng.randrange(100, 900))
        above = Fraction(0)
        for value in values:
            if value > mean:
                product = Fraction(1)
                for other in values:
                    product *= value - other if other != value else 1
                above += (value - mean) ** n / product
        units = Counter((int(value), 1000) for value in values[1:])
        # the extra value is 0, like the first of `values`
        assert p_value(units, 0, float(mean) / 1000) == pytest.approx(float(1 - above), abs=1e-6 if n == 2 else 2e-8)


@given(
    st.lists(st.integers(-4, 4), min_size=1, max_size=60),
    st.floats(-0.95, 0.95),
    st.integers(0, 59),
    st.floats(0.01, 0.3),
)
@settings(max_examples=150, deadline=None)
def test_a_better_answer_is_never_held_against_it(values, mean, which, alpha):
    better = list(values)
    which %= len(values)
    if better[which] < 4:
        better[which] += 1
    before, after = (Counter((value, 4) for value in side) for side in (values, better))
    assert p_value(after, -1, mean) <= p_value(before, -1, mean) + 1e-8
    assert lower_bound(after, -1, alpha) >= lower_bound(before, -1, alpha) - 1e-7


@given(st.lists(st.integers(0, 8), min_size=1, max_size=50), st.floats(0.01, 0.3))
@settings(max_examples=100, deadline=None)
def test_the_bound_is_where_p_meets_the_level(values, alpha):
    units = Counter((value, 8) for value in values)
    low = lower_bound(units, 0, alpha)
    assert 0 <= low <= sum(values) / 8 / len(values) + 1e-9
    if low > 0:
        assert p_value(units, 0, low) == pytest.approx(alpha, abs=1e-6)


def test_one_bad_answer_is_never_better_than_none():
    """The variance of the items would say so: one of 400 answers bad, and 400 independent ones seem to be behind it."""
    none = upper_bound({(0, 4): 100}, 1, 0.05)
    one = upper_bound({(0, 4): 99, (1, 4): 1}, 1, 0.05)
    assert none == pytest.approx(1 - 0.05 ** (1 / 100))
    assert none < one < upper_bound({(0, 1): 99, (1, 1): 1}, 1, 0.05)


def test_items_that_are_copies_count_once():
    single = lower_bound({(1, 1): 40, (0, 1): 10}, 0, 0.05)
    copied = lower_bound({(3, 3): 40, (0, 3): 10}, 0, 0.05)
    assert copied == pytest.approx(single, abs=1e-9)
    assert lower_bound({(1, 1): 120, (0, 1): 30}, 0, 0.05) > copied


def test_many_answers_per_item_narrow_it():
    rng = random.Random(1)
    widths = []
    for samples in (1, 4, 16):
        rates = [rng.choice((0.3, 0.7, 0.9)) for _ in range(200)]
        units = Counter((sum(rng.random() < rate for _ in range(samples)), samples) for rate in rates)
        widths.append(upper_bound(units, 1, 0.05) - lower_bound(units, 0, 0.05))
    assert widths[0] > 1.3 * widths[1] > 1.3 * widths[2]
