"""Intervals against scipy, statsmodels and published values."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import proportion_confint

from dsafe_runner.statistics import intervals


@pytest.mark.parametrize("n", [1, 2, 5, 27, 50, 99, 463, 1567, 20_000])
def test_clopper_pearson_equals_scipy(n):
    for k in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        for confidence in (0.9, 0.95, 0.99):
            low, high = intervals.clopper_pearson(k, n, confidence)
            oracle = scipy_stats.binomtest(k, n).proportion_ci(confidence, method="exact")
            assert (low, high) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_clopper_pearson_equals_statsmodels():
    low, high = intervals.clopper_pearson(1283, 1567, 0.95)
    assert (low, high) == pytest.approx(proportion_confint(1283, 1567, 0.05, method="beta"), abs=1e-9)


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0.05, 3000), st.floats(0.05, 3000))
@settings(max_examples=300, deadline=None)
def test_regularised_beta_equals_scipy(x, a, b):
    assert intervals.regularised_beta(x, a, b) == pytest.approx(scipy_stats.beta.cdf(x, a, b), abs=1e-9)


@given(st.floats(1e-3, 1 - 1e-3), st.floats(0.25, 2000), st.floats(0.25, 2000))
@settings(max_examples=200, deadline=None)
def test_beta_quantile_equals_scipy(p, a, b):
    assert intervals.beta_quantile(p, a, b) == pytest.approx(scipy_stats.beta.ppf(p, a, b), abs=1e-8)


def test_published_airway_example():
    """Airway hyper-responsiveness before and after a transplantation (Fagerland, Lydersen & Laake 2014), n 21: 7, 1."""
    assert intervals.tango(7, 1, 21, 0.95) == pytest.approx((-0.517, -0.026), abs=5e-4)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))))
@settings(max_examples=200, deadline=None)
def test_tango_interval_holds_its_estimate_and_mirrors(case):
    n, lost, gained = case
    if lost + gained > n:
        return
    low, high = intervals.tango(lost, gained, n, 0.95)
    assert -1.0 <= low <= (gained - lost) / n <= high <= 1.0
    mirrored = intervals.tango(gained, lost, n, 0.95)
    assert mirrored == pytest.approx((-high, -low), abs=1e-9)


def test_tango_ends_are_where_the_score_meets_the_quantile():
    quantile = scipy_stats.norm.ppf(0.975)
    for lost, gained, n in itertools.product((0, 3, 11), (0, 2, 9), (40, 250)):
        low, high = intervals.tango(lost, gained, n, 0.95)
        if low > -1:
            assert intervals.tango_z(lost, gained, n, low) == pytest.approx(quantile, abs=1e-5)
        if high < 1:
            assert intervals.tango_z(lost, gained, n, high) == pytest.approx(-quantile, abs=1e-5)


def test_tango_score_equals_a_numeric_maximum_likelihood():
    """The closed form against a grid search of the constrained likelihood."""
    lost, gained, n, difference = 7, 3, 60, -0.1
    grid = [i / 20_000 for i in range(1, 20_000)]

    def log_likelihood(q):
        p_gained, p_lost = q + difference, q
        rest = 1 - p_gained - p_lost
        if min(p_gained, p_lost, rest) <= 0:
            return -math.inf
        return gained * math.log(p_gained) + lost * math.log(p_lost) + (n - gained - lost) * math.log(rest)

    q = max(grid, key=log_likelihood)
    z = (gained - lost - n * difference) / math.sqrt(n * (2 * q + difference * (1 - difference)))
    assert intervals.tango_z(lost, gained, n, difference) == pytest.approx(z, abs=2e-3)
