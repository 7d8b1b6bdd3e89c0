"""Miettinen & Nurminen against published intervals and a numeric maximum of the likelihood."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from dsafe_runner.statistics.miettinen_nurminen import interval, score


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((56, 70, 48, 80), (0.0528, 0.3382)),
        ((9, 10, 3, 10), (0.1700, 0.8406)),
        ((6, 7, 2, 7), (0.0342, 0.8534)),
        ((5, 56, 0, 29), (-0.0326, 0.1933)),
        ((0, 10, 0, 20), (-0.1658, 0.2844)),
        ((0, 10, 0, 10), (-0.2879, 0.2879)),
        ((10, 10, 0, 20), (0.7156, 1.0)),
        ((10, 10, 0, 10), (0.6636, 1.0)),
    ],
)
def test_published_intervals(counts, expected):
    """Newcombe 1998, Statistics in Medicine 17:873, table II, method 6."""
    assert interval(*counts, 0.95) == pytest.approx(expected, abs=6e-5)


COUNTS = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, COUNTS, st.one_of(st.sampled_from([0.0, -0.02, 0.05, -0.1]), st.floats(-0.9, 0.9)))
@settings(max_examples=200, deadline=None)
def test_score_equals_a_numeric_maximum_likelihood(ours, theirs, difference):
    (k, n), (j, m) = ours, theirs

    def loss(rate):
        terms = ((k, rate + difference), (n - k, 1 - rate - difference), (j, rate), (m - j, 1 - rate))
        return sum(-count * math.log(max(p, 1e-300)) for count, p in terms if count)

    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)
    rate = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    variance = (rate + difference) * (1 - rate - difference) / n + rate * (1 - rate) / m
    if variance < 1e-6:
        return
    z = (k / n - j / m - difference) / math.sqrt(variance * (n + m) / (n + m - 1))
    assert score(k, n, j, m, difference) == pytest.approx(z, rel=2e-3, abs=2e-3)


@given(COUNTS, COUNTS, st.floats(-0.9, 0.9))
@settings(max_examples=200, deadline=None)
def test_one_more_good_answer_raises_the_score(ours, theirs, difference):
    (k, n), (j, m) = ours, theirs
    if k < n:
        assert score(k + 1, n, j, m, difference) >= score(k, n, j, m, difference) - 1e-9


def test_ends_are_where_the_score_meets_the_quantile():
    low, high = interval(90, 120, 300, 463, 0.9)
    assert score(90, 120, 300, 463, low) == pytest.approx(1.6449, abs=1e-3)
    assert score(90, 120, 300, 463, high) == pytest.approx(-1.6449, abs=1e-3)
