"""What checks can find: the table of the design, and simulations of the rules themselves."""

import random

import pytest
from scipy.stats import binom

from dsafe_runner.records import Status
from dsafe_runner.statistics.feasibility import needed
from dsafe_runner.statistics.power import clearable_drop, detectable_drop, failing_rate, passing_rate
from dsafe_runner.verdicts.gate import relative
from dsafe_runner.verdicts.guards import one_of
from dsafe_runner.vocabulary import Rule


@pytest.mark.parametrize(
    ("n", "limits"),
    [
        (20, (0.20, 0.20, 0.25, 0.29)),
        (50, (0.085, 0.12, 0.15, 0.18)),
        (99, (0.056, 0.078, 0.10, 0.13)),
        (198, (0.036, 0.053, 0.070, 0.089)),
        (254, (0.031, 0.046, 0.062, 0.079)),
        (1567, (0.011, 0.018, 0.024, 0.031)),
    ],
)
def test_limit_an_unchanged_model_clears(n, limits):
    for flips, limit in zip((0.03, 0.08, 0.15, 0.25), limits, strict=True):
        assert clearable_drop(n, flips) == pytest.approx(limit, abs=0.006 if n < 200 else 1.1e-3)


@pytest.mark.parametrize(
    ("n", Rule.DROP), [(20, 0.26), (50, 0.13), (99, 0.11), (198, 0.085), (254, 0.078), (460, 0.064), (1567, 0.044)]
)
def test_drop_proven_to_be_over_two_points(n, drop):
    assert detectable_drop(n, 0.15, limit=0.02) == pytest.approx(drop, abs=0.006)


def test_a_guard_of_a_category_sees_twenty_four_points():
    assert detectable_drop(50, 0.15, one_of(31, 0.05)) == pytest.approx(0.24, abs=5e-3)
    assert detectable_drop(50, 0.15, one_of(36, 0.05)) < detectable_drop(20, 0.15, one_of(36, 0.05))
    assert detectable_drop(3, 0.15, one_of(36, 0.05)) is None


def test_rates_from_which_a_limit_is_decided():
    for rule, limit, n in ((Rule.MIN, 0.8, 460), (Rule.MAX, 0.02, 463)):
        passing, failing, count = passing_rate(rule, limit, n), failing_rate(rule, limit, n), needed(rule, limit, n)
        passed = binom.sf(count - 1, n, passing) if rule == Rule.MIN else binom.cdf(count, n, passing)
        assert passed == pytest.approx(0.8, abs=1e-6)
        assert (failing < limit < passing) if rule == Rule.MIN else (passing < limit < failing)
    assert passing_rate(Rule.MAX, 0.02, 27) is None
    assert failing_rate(Rule.MIN, 0.0, 27) is None


@pytest.mark.parametrize(("n", "samples"), [(198, 4), (500, 8)])
def test_several_answers_by_simulation(n, samples):
    """The approximation, against the rule it stands for: at the limit it names, an unchanged model passes 80 %."""
    rng = random.Random(n)
    limit = clearable_drop(n, 0.12, samples=samples)
    rates = [rng.choice((1.0, 1.0, 0.75, 0.0, 0.24)) for _ in range(n)]
    noise = 2 * sum(rate * (1 - rate) for rate in rates) / n
    limit = clearable_drop(n, noise, samples=samples)
    passed = 0
    for _ in range(100):
        ours, theirs = ([(sum(rng.random() < rate for _ in range(samples)), 0) for rate in rates] for _ in range(2))
        passed += relative(ours, theirs, samples, Rule.DROP, limit).status is Status.PASS
    assert 65 <= passed <= 95
