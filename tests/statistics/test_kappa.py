"""Agreement against statsmodels, a published table, and what small samples may not claim."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.inter_rater import cohens_kappa

from dsafe_runner.errors import EvidenceError
from dsafe_runner.statistics.kappa import class_rates, kappa

FLEISS = [[0.53, 0.05, 0.02], [0.11, 0.14, 0.05], [0.01, 0.06, 0.03]]
"""Fleiss, Cohen & Everitt 1969, table 1: 200 subjects, two raters, three classes."""

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 3))), min_size=1, max_size=60)


def oracle(pairs):
    classes = [0, 1, 2, 3, None]
    table = np.zeros((5, 5))
    for gold, given_ in pairs:
        table[classes.index(gold), classes.index(given_)] += 1
    return cohens_kappa(table)


def of(table, n):
    return [(i, j) for i, row in enumerate(table) for j, share in enumerate(row) for _ in range(round(share * n))]


def test_published_table():
    """kappa 0.429; variance 0.002885 for 200 subjects."""
    found = kappa(of(FLEISS, 200), 0.95)
    assert found.n == 200
    assert found.value == pytest.approx(0.429, abs=5e-4)
    assert found.error**2 == pytest.approx(0.002885, abs=2e-5)


@given(PAIRS)
@settings(max_examples=300, deadline=None)
def test_value_and_error_equal_statsmodels(pairs):
    found = kappa(pairs, 0.95)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = oracle(pairs)
    if np.isnan(expected.kappa):
        assert (found.value, found.low, found.high) == (0.0, -1.0, 1.0)
        return
    assert found.value == pytest.approx(expected.kappa, abs=1e-9)
    assert found.error == pytest.approx(np.sqrt(max(expected.var_kappa, 0.0)), abs=1e-7)
    assert found.low <= max(found.value - 1.9599 * found.error, -1.0)
    assert found.high >= min(found.value + 1.9599 * found.error, 1.0)
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0


def test_a_few_replies_that_all_agree_prove_little():
    few, many = ([(0, 0), (1, 1), (2, 2), (3, 3)] * times for times in (2, 50))
    assert kappa(few, 0.95).value == kappa(many, 0.95).value == 1.0
    assert kappa(few, 0.95).low == pytest.approx((binomtest(8, 8).proportion_ci().low - 0.25) / 0.75, abs=1e-9)
    assert kappa(few, 0.95).low < 0.6
    assert kappa(many, 0.95).low > 0.95


def test_one_class_on_both_sides_proves_nothing():
    found = kappa([(3, 3)] * 100, 0.95)
    assert (found.value, found.low, found.high, found.accuracy) == (0.0, -1.0, 1.0, 1.0)


def test_no_verdict_is_a_disagreement_and_is_kept_apart():
    pairs = [(0, 0), (0, None), (3, 3), (3, 1)]
    found = kappa(pairs, 0.95)
    assert found.accuracy == 0.5
    assert list(found.confusion.items()) == [((0, 0), 1), ((0, None), 1), ((3, 1), 1), ((3, 3), 1)]
    assert found.value < kappa([(0, 0), (0, 0), (3, 3), (3, 1)], 0.95).value


def test_nothing_labelled_is_an_error():
    with pytest.raises(EvidenceError, match="no labelled replies"):
        kappa([], 0.95)


def test_sensitivity_and_specificity():
    pairs = [(0, 0)] * 8 + [(0, 2), (0, None)] + [(3, 3)] * 28 + [(3, 0), (3, None)]
    rates = class_rates(pairs, 0.95)
    assert sorted(rates) == [0, 2, 3]
    harmful = rates[0]
    assert (harmful.sensitivity.k, harmful.sensitivity.n) == (8, 10)
    assert (harmful.specificity.k, harmful.specificity.n) == (29, 30)
    expected = binomtest(8, 10).proportion_ci()
    assert (harmful.sensitivity.low, harmful.sensitivity.high) == pytest.approx((expected.low, expected.high))
    nothing = rates[2].sensitivity
    assert (nothing.n, nothing.value, nothing.low, nothing.high) == (0, None, 0.0, 1.0)


@pytest.mark.slow
def test_coverage():
    """Two-sided 95 % intervals of four classes: how often the true kappa lies below `low` or above `high`."""
    rng = np.random.default_rng(0)
    missed = []
    for n in (50, 100, 300):
        for right in (0.7, 0.9, 0.98):
            margins = np.array([0.1, 0.2, 0.3, 0.4])
            table = np.diag(margins * right) + (1 - right) * np.outer(margins, np.full(4, 0.25))
            chance = table.sum(0) @ table.sum(1)
            true = (np.trace(table) - chance) / (1 - chance)
            below = above = alone = 0
            for _ in range(2000):
                counts = rng.multinomial(n, table.ravel()).reshape(4, 4)
                pairs = [(i, j) for i in range(4) for j in range(4) for _ in range(counts[i, j])]
                found = kappa(pairs, 0.95)
                below += true < found.low
                above += true > found.high
                alone += true < found.value - 1.95996 * found.error
            missed.append(below / 2000)
            print(
                f"n {n:4d} true kappa {true:.3f}: true value below low {below / 20:.1f} % "
                f"(asymptotic alone {alone / 20:.1f} %), above high {above / 20:.1f} %"
            )
    assert max(missed) <= 0.04
