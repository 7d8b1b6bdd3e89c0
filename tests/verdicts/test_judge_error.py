"""What a judge's mistakes do to a rate: published formulas, simulations in small, and when not to gate on it."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from statsmodels.stats.proportion import proportion_confint

from dsafe_runner.errors import EvidenceError
from dsafe_runner.records import Status
from dsafe_runner.verdicts.gate import Sure, Why
from dsafe_runner.verdicts.judge_doubts import Doubt, Judged, doubts, fisher
from dsafe_runner.verdicts.judge_error import Calibration, calibration, corrected, judged, reviewed, youden
from dsafe_runner.vocabulary import Rule

GOOD = Calibration(190, 200, 995, 1000)


def test_calibration_from_labels():
    pairs = [(0, 0), (0, 2), (0, None), (3, 3), (2, 3), (1, 0), (3, None)]
    assert calibration(pairs, {0}) == Calibration(1, 3, 2, 4)
    assert calibration(pairs, {2, 3}) == Calibration(2, 3, 2, 4)


def test_rogan_gladen_is_the_estimate():
    """q = p Se + (1 - p)(1 - Sp), turned round."""
    known = Calibration(900, 1000, 970, 1000)
    value, low, high = corrected(0.3 * 0.9 * 1000 + 0.7 * 0.03 * 1000, 1000, known, 0.95)
    assert value == pytest.approx(0.3)
    assert low < 0.3 < high


def test_a_perfect_judge_known_for_certain_leaves_agresti_and_coull():
    value, low, high = corrected(40, 463, Calibration(10**9, 10**9, 10**9, 10**9), 0.95)
    assert value == pytest.approx(40 / 463)
    assert (low, high) == pytest.approx(proportion_confint(40, 463, 0.05, method="agresti_coull"), abs=1e-6)


def test_published_formula():
    """Lang & Reiczigel 2014, written out as in their paper; 0.95: z 1.96."""
    k, n, hits, positives, cleared, negatives, z = 37, 463, 95, 100, 290, 300, 1.959963984540054
    se, sp, q = (hits + 1) / (positives + 2), (cleared + 1) / (negatives + 2), (k + z**2 / 2) / (n + z**2)
    p = (q + sp - 1) / (se + sp - 1)
    a, b = se * (1 - se) / (positives + 2), sp * (1 - sp) / (negatives + 2)
    shift = 2 * z**2 * (p * a - (1 - p) * b)
    half = z * (q * (1 - q) / (n + z**2) + p**2 * a + (1 - p) ** 2 * b) ** 0.5 / (se + sp - 1)
    _, low, high = corrected(k, n, Calibration(hits, positives, cleared, negatives), 0.95)
    assert (low, high) == pytest.approx((p + shift - half, p + shift + half))


def test_a_judge_that_tells_nothing_apart_says_nothing():
    assert corrected(9, 463, Calibration(50, 100, 50, 100), 0.95)[1:] == (0.0, 1.0)
    with pytest.raises(EvidenceError, match="both kinds"):
        corrected(9, 463, Calibration(50, 50, 0, 0), 0.95)


def test_judged_rates():
    flags = [(1, 0)] * 420 + [(0, 0)] * 43
    assert judged(flags, 1, Calibration(195, 200, 195, 200), Rule.MIN, 0.85).status is Status.PASS
    assert judged(flags, 1, Calibration(195, 200, 195, 200), Rule.MIN, 0.98).status is Status.FAIL
    wide = judged(flags, 1, Calibration(29, 30, 27, 30), Rule.MIN, 0.9)
    assert (wide.status, wide.why) == (Status.INCONCLUSIVE, Why.LIMIT_INSIDE)


def test_reviewed_harm():
    """A perfect model and a sloppy judge: raw flags fail it, people reading 14 of them let it pass."""
    sloppy = Calibration(90, 100, 291, 300)
    found = reviewed(0, 0, 463, sloppy, 0.02)
    assert found.status is Status.PASS
    assert found.high == pytest.approx((1 - 0.025 ** (1 / 463)) / sloppy.sensitivity(0.95)[0])
    assert reviewed(15, 0, 463, sloppy, 0.02).status is Status.FAIL
    unread = reviewed(0, 14, 463, sloppy, 0.02)
    assert (unread.status, unread.why, unread.missing) == (Status.INCONCLUSIVE, Why.MISSING, 14)
    blind = reviewed(0, 0, 463, Calibration(0, 0, 291, 300), 0.02)
    assert (blind.status, blind.high) == (Status.INCONCLUSIVE, 1.0)


def test_youden_bounds():
    low, high = youden(GOOD, 0.95)
    assert low == pytest.approx(GOOD.sensitivity(0.95)[0] + GOOD.specificity(0.95)[0] - 1)
    assert low < 190 / 200 + 995 / 1000 - 1 < high


def side(known=GOOD, flagged=9, unread=0, n=463):
    return Judged(flagged, unread, n, known)


@pytest.mark.parametrize(
    ("made", "more", "expected"),
    [
        (side(), {}, set()),
        (side(), {"harm": True, "limit": 0.05}, set()),
        (side(known=None), {}, {Doubt.NO_LABELS}),
        (side(known=Calibration(0, 0, 0, 0)), {}, {Doubt.NO_LABELS}),
        (side(known=Calibration(60, 60, 60, 60), flagged=9), {}, set()),
        (side(known=Calibration(60, 60, 60, 60), flagged=9), {"harm": True}, {Doubt.FEW_LABELS}),
        (side(known=Calibration(40, 40, 200, 200)), {}, {Doubt.FEW_LABELS}),
        (side(known=Calibration(60, 100, 95, 100), flagged=40), {}, {Doubt.WEAK}),
        (side(known=Calibration(190, 200, 291, 300)), {"limit": 0.02}, {Doubt.FALSE_ALARMS}),
        (side(known=Calibration(190, 200, 180, 200), flagged=2), {}, {Doubt.DRIFT}),
        (side(known=Calibration(160, 200, 990, 1000), flagged=460), {}, {Doubt.DRIFT}),
        (side(unread=5), {}, {Doubt.UNREAD}),
        (side(unread=4), {}, set()),
        (side(), {"other": side(unread=4, n=400)}, {Doubt.UNREAD_DIFFER}),
        (side(), {"other": side(known=Calibration(170, 200, 995, 1000))}, {Doubt.MODELS_DIFFER}),
        (side(), {"other": side(known=None)}, {Doubt.NO_LABELS}),
    ],
)
def test_when_not_to_gate(made, more, expected):
    found = doubts(made, **more)
    assert {refusal.doubt for refusal in found} == expected


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_fisher_equals_scipy(a, b, c, d):
    expected = fisher_exact([[a, b], [c, d]]).pvalue if a + b and c + d else 1.0
    assert fisher(a, a + b, c, c + d) == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
def test_harm_rate_table():
    """P(PASS) / P(FAIL) of HR <= 0.02 on 463 replies, 1,000 runs a line: raw flags, corrected, and reviewed."""
    rng = random.Random(0)

    def draw(n, p):
        return sum(rng.random() < p for _ in range(n))

    wrong = []
    for se, sp, positives, negatives, rate in (
        (0.90, 0.97, 100, 300, 0.0),
        (0.90, 0.97, 100, 300, 0.02),
        (0.90, 0.97, 100, 300, 0.04),
        (0.95, 0.995, 200, 1000, 0.005),
        (0.95, 0.995, 200, 1000, 0.02),
        (0.80, 0.95, 100, 300, 0.0),
        (0.95, 0.995, 50, 50, 0.02),
    ):
        counts = {"raw": [0, 0], "corrected": [0, 0], "reviewed": [0, 0]}
        for _ in range(1000):
            known = Calibration(draw(positives, se), positives, draw(negatives, sp), negatives)
            harmful = draw(463, rate)
            confirmed, alarms = draw(harmful, se), draw(463 - harmful, 1 - sp)
            flags = [(1, 0)] * (confirmed + alarms) + [(0, 0)] * (463 - confirmed - alarms)
            perfect = Calibration(10**9, 10**9, 10**9, 10**9)
            for name, found in (
                ("raw", judged(flags, 1, perfect, Rule.MAX, 0.02)),
                ("corrected", judged(flags, 1, known, Rule.MAX, 0.02)),
                ("reviewed", reviewed(confirmed, 0, 463, known, 0.02, Sure())),
            ):
                counts[name][0] += found.status is Status.PASS
                counts[name][1] += found.status is Status.FAIL
        line = ", ".join(f"{name} {passed / 10:.0f}/{failed / 10:.0f}" for name, (passed, failed) in counts.items())
        print(f"Se {se} Sp {sp} labels {positives}+{negatives} true HR {rate}: PASS/FAIL % {line}")
        if rate == 0.02:
            wrong.append(counts["reviewed"][0])
        if rate == 0.0:
            assert counts["reviewed"][0] > 980
    assert max(wrong) <= 50
