"""Gates on the numbers of the paper, the edges, and what each kind of uncertainty asks."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from dsafe_runner.errors import EvidenceError
from dsafe_runner.records import Status
from dsafe_runner.verdicts.gate import Sure, Why, absolute, against_counts, relative
from dsafe_runner.vocabulary import Rule

NONE = Sure("none")


def tally(k, n, missing=0):
    return [(1, 0)] * k + [(0, 1)] * missing + [(0, 0)] * (n - k - missing)


def sides(lost, gained, n):
    rest = n - lost - gained
    return [(0, 0)] * lost + [(1, 0)] * (gained + rest), [(1, 0)] * lost + [(0, 0)] * gained + [(1, 0)] * rest


@pytest.mark.parametrize(
    ("k", "n", "rule", "limit", "status", "bound", "needed", "spare"),
    [
        (1283, 1567, Rule.MIN, 0.80, Status.PASS, 0.802, 1280, 3),
        (298, 460, Rule.MIN, 0.80, Status.FAIL, 0.685, 383, None),
        (86, 99, Rule.MIN, 0.80, Status.INCONCLUSIVE, 0.799, 87, None),
        (4, 463, Rule.MAX, 0.02, Status.PASS, 0.0197, 4, 0),
        (6, 463, Rule.MAX, 0.02, Status.INCONCLUSIVE, 0.025, 4, None),
    ],
)
def test_lines_of_distilled_qwen(k, n, rule, limit, status, bound, needed, spare):
    """DeepSeek-R1-Distill-Qwen-14B and 32B; counts recovered from the paper's tables."""
    found = absolute(tally(k, n), 1, rule, limit)
    assert (found.status, found.needed, found.spare, found.n) == (status, needed, spare, n)
    assert found.value == pytest.approx(k / n)
    shown = found.low if (rule == Rule.MIN) == (status is not Status.FAIL) else found.high
    assert shown == pytest.approx(bound, abs=5e-4)


@given(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from([Rule.MIN, Rule.MAX]),
    st.floats(0.01, 0.99),
    st.sampled_from([0.8, 0.95, 0.99]),
)
@settings(max_examples=100, deadline=None)
def test_bounds_p_and_verdict_say_the_same(counts, rule, limit, confidence):
    k, n = counts
    found = absolute(tally(k, n), 1, rule, limit, Sure("items", confidence))
    oracle = scipy_stats.binomtest(k, n).proportion_ci(2 * confidence - 1, method="exact")
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-8)
    inside = oracle.low - limit if rule == Rule.MIN else limit - oracle.high
    outside = limit - oracle.high if rule == Rule.MIN else oracle.low - limit
    if min(abs(inside), abs(outside)) > 1e-9:
        expected = Status.PASS if inside > 0 else Status.FAIL if outside > 0 else Status.INCONCLUSIVE
        assert found.status is expected
    tail = "greater" if rule == Rule.MIN else "less"
    assert found.p == pytest.approx(scipy_stats.binomtest(k, n, limit, tail).pvalue, abs=1e-9)


def test_spotless_and_too_small_proves_nothing():
    """`max: 0.02` needs n >= 149; a slice of 27 without one harmful reply shows at most 10.5 %."""
    found = absolute(tally(0, 27), 1, Rule.MAX, 0.02)
    assert (found.status, found.why, found.least_items) == (Status.INCONCLUSIVE, Why.TOO_FEW, 149)
    assert found.high == pytest.approx(0.105, abs=5e-4)
    assert found.needed is None
    assert absolute(tally(0, 149), 1, Rule.MAX, 0.02).status is Status.PASS
    # but it can fail
    assert absolute(tally(9, 27), 1, Rule.MAX, 0.02).status is Status.FAIL


@pytest.mark.parametrize(("rule", "limit"), [(Rule.MIN, 1.0), (Rule.MAX, 0.0)])
def test_what_no_sample_can_prove(rule, limit):
    perfect = tally(500, 500) if rule == Rule.MIN else tally(0, 500)
    found = absolute(perfect, 1, rule, limit)
    assert (found.status, found.why, found.least_items) == (Status.INCONCLUSIVE, Why.TOO_FEW, None)
    assert absolute(perfect, 1, rule, limit, NONE).status is Status.PASS


def test_none_compares_integers():
    assert absolute(tally(40, 50), 1, Rule.MIN, 0.8, NONE).status is Status.PASS
    assert absolute(tally(1253, 1567), 1, Rule.MIN, 0.8, NONE).status is Status.FAIL
    found = absolute(tally(9, 463), 1, Rule.MAX, 0.02, NONE)
    assert (found.status, found.needed, found.spare, found.p) == (Status.PASS, 9, 0, None)
    assert (found.low, found.high) == pytest.approx((9 / 463, 9 / 463))
    assert absolute(tally(10, 463), 1, Rule.MAX, 0.02, NONE).status is Status.FAIL
    ours, theirs = sides(3, 2, 50)
    assert relative(ours, theirs, 1, Rule.DROP, 0.02, NONE).status is Status.PASS
    ours, theirs = sides(4, 2, 50)
    assert relative(ours, theirs, 1, Rule.DROP, 0.02, NONE).status is Status.FAIL


def test_missing_answers_say_how_many_may_be_missing():
    found = absolute(tally(3, 463, missing=14), 1, Rule.MAX, 0.02, NONE)
    assert (found.status, found.why, found.missing, found.spare) == (Status.INCONCLUSIVE, Why.MISSING, 14, 6)
    assert (found.low, found.high) == pytest.approx((3 / 463, 17 / 463))
    nothing = absolute(tally(0, 463, missing=463), 1, Rule.MAX, 0.5)
    assert (nothing.status, nothing.value) == (Status.INCONCLUSIVE, None)


def test_an_unchanged_model_passes_what_it_can():
    ours, theirs = sides(0, 0, 1567)
    assert relative(ours, theirs, 1, Rule.DROP, 0.02).status is Status.PASS
    small = relative(*sides(0, 0, 99), 1, Rule.DROP, 0.02)
    assert (small.status, small.why, small.least_items) == (Status.INCONCLUSIVE, Why.TOO_FEW, 133)
    assert relative(*sides(0, 0, 133), 1, Rule.DROP, 0.02).status is Status.PASS
    assert relative(*sides(0, 0, 10_000), 1, Rule.DROP, 0.0).why is Why.TOO_FEW


@given(
    st.integers(5, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n // 2), st.integers(0, n // 2))),
    st.sampled_from([(Rule.DROP, Rule.RISE), (Rule.GAIN, Rule.FALL)]),
    st.floats(0.005, 0.4),
)
@settings(max_examples=100, deadline=None)
def test_lower_is_better_is_the_same_question(case, rules, limit):
    n, lost, gained = case
    ours, theirs = sides(lost, gained, n)
    flipped = [[(1 - yes, 0) for yes, _ in side] for side in (ours, theirs)]
    higher, lower = relative(ours, theirs, 1, rules[0], limit), relative(*flipped, 1, rules[1], limit)
    assert (higher.status, higher.lost, higher.gained, higher.p) == (lower.status, lower.lost, lower.gained, lower.p)
    assert (higher.low, higher.high) == pytest.approx((-lower.high, -lower.low))
    assert higher.value == pytest.approx(-lower.value)


def test_spare_is_the_last_that_passes():
    found = relative(*sides(20, 18, 1567), 1, Rule.DROP, 0.02)
    assert found.status is Status.PASS
    still = relative(*sides(20 + found.spare, 18, 1567), 1, Rule.DROP, 0.02)
    over = relative(*sides(21 + found.spare, 18, 1567), 1, Rule.DROP, 0.02)
    assert (still.status, over.status) == (Status.PASS, Status.INCONCLUSIVE)


def test_a_reference_that_lacks_answers_is_never_an_advantage():
    ours, theirs = sides(10, 10, 1567)
    gone = theirs[:10] + [(0, 1)] * 200 + theirs[210:]
    found = relative(ours, gone, 1, Rule.DROP, 0.02)
    assert (found.status, found.why, found.other_missing) == (Status.PASS, None, 200)
    # those ten and the other items the candidate got wrong are now losses in the worst completion
    wrong = [(0, 0)] * 210 + ours[210:]
    found = relative(wrong, gone, 1, Rule.DROP, 0.02)
    assert (found.status, found.low) == (Status.INCONCLUSIVE, pytest.approx(-0.149, abs=2e-3))


def test_a_judge_shows_only_a_share_of_a_drop():
    ours, theirs = sides(60, 40, 1567)
    sharp = relative(ours, theirs, 1, Rule.DROP, 0.025)
    assert sharp.status is Status.PASS
    assert relative(ours, theirs, 1, Rule.DROP, 0.025, youden=(0.8, 0.95)).status is Status.INCONCLUSIVE
    assert relative(ours, theirs, 1, Rule.DROP, 0.025, youden=(0.0, 1.0)).status is Status.INCONCLUSIVE
    # a gain has to be shown in full by the best judge there may be
    assert relative(*sides(0, 100, 1567), 1, Rule.GAIN, 0.05, youden=(0.8, 1.0)).status is Status.PASS
    assert relative(*sides(0, 100, 1567), 1, Rule.GAIN, 0.055, youden=(0.5, 0.6)).status is Status.PASS


def test_reruns_vary_less_than_items():
    rng = random.Random(3)
    rates = [1.0] * 300 + [rng.random() for _ in range(100)]
    side = [(sum(rng.random() < rate for _ in range(4)), 0) for rate in rates]
    items, runs = absolute(side, 4, Rule.MIN, 0.8), absolute(side, 4, Rule.MIN, 0.8, Sure("samples"))
    assert items.low < runs.low < runs.value < runs.high < items.high
    assert absolute(tally(80, 99), 1, Rule.MIN, 0.7, Sure("samples")).why is Why.RERUN_NOISE
    measured = absolute(tally(80, 99), 1, Rule.MIN, 0.7, Sure("samples", rerun_flips=0.05))
    assert measured.status is Status.PASS
    assert measured.low == pytest.approx(80 / 99 - 1.645 * math.sqrt(0.05 / 2 / 99 + 4 / 99**2), abs=5e-3)


def test_published_counts_need_more():
    paired = relative(*sides(10, 10, 463), 1, Rule.DROP, 0.05)
    published = against_counts(tally(453, 463), 1, (453, 463), Rule.DROP, 0.05)
    assert paired.status is published.status is Status.PASS
    assert against_counts(tally(300, 463), 1, (300, 463), Rule.DROP, 0.05).status is Status.INCONCLUSIVE
    assert relative(*sides(10, 10, 463), 1, Rule.DROP, 0.03).status is Status.PASS
    lower = against_counts(tally(163, 463), 1, (163, 463), Rule.RISE, 0.05)
    higher = against_counts(tally(300, 463), 1, (300, 463), Rule.DROP, 0.05)
    assert (lower.low, lower.high) == pytest.approx((-higher.high, -higher.low))
    assert against_counts(tally(1254, 1567), 1, (1283, 1567), Rule.DROP, 0.02, NONE).status is Status.PASS
    assert against_counts(tally(1251, 1567), 1, (1283, 1567), Rule.DROP, 0.02, NONE).status is Status.FAIL
    assert against_counts(tally(9, 20), 1, (9, 20), Rule.DROP, 0.02, Sure("samples")).why is Why.RERUN_NOISE


def test_nothing_decides_nothing():
    with pytest.raises(EvidenceError, match="no items"):
        absolute([], 1, Rule.MIN, 0.0)
    with pytest.raises(EvidenceError, match="same items"):
        relative(tally(1, 2), tally(1, 3), 1, Rule.DROP, 0.5)
    with pytest.raises(EvidenceError, match="published counts"):
        against_counts(tally(1, 2), 1, (0, 0), Rule.DROP, 0.5)
