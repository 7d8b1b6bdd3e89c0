"""Guard families: the exact test, its step-down p against brute force, and selection that never shrinks a family."""

import itertools
import math
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from dsafe_runner.errors import EvidenceError
from dsafe_runner.plan.pool import least_guarded
from dsafe_runner.records import Status
from dsafe_runner.statistics import sign_test as signs_module
from dsafe_runner.statistics.sign_test import sign_test
from dsafe_runner.verdicts.gate import Sure, Why
from dsafe_runner.verdicts.guards import Guard, decide_guards, one_of


def guard(lost, gained, n, **more):
    rest = n - lost - gained
    ours = [(0, 0)] * lost + [(1, 0)] * (gained + rest)
    return Guard(ours, [(1, 0)] * lost + [(0, 0)] * gained + [(1, 0)] * rest, **more)


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (1, 0), (16, 3), (3, 16), (40, 40), (200, 150)])
def test_one_answer_per_item_is_mcnemars_exact_test(lost, gained):
    p, _ = sign_test({(-1, 1): lost, (1, 1): gained, (0, 1): 50})
    expected = binomtest(gained, lost + gained, 0.5, "less").pvalue if lost + gained else 1.0
    assert p == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=11))
@settings(max_examples=100, deadline=None)
def test_p_is_the_share_of_sign_patterns(values):
    p, chance = sign_test(Counter((value, 4) for value in values))
    sizes = [abs(value) for value in values if value]
    sums = [sum(pattern) for pattern in itertools.product(*[(-size, size) for size in sizes])]
    assert p == pytest.approx(sum(s <= sum(values) for s in sums) / len(sums))
    possible = sorted(sum(s <= t for s in sums) / len(sums) for t in set(sums))
    for level in (0.01, 0.05, 0.3, p):
        assert chance(level) == pytest.approx(max((q for q in possible if q <= level + 1e-12), default=0.0))


def test_very_many_sizes_are_counted_as_normal(monkeypatch):
    rng = random.Random(0)
    for sizes in ((-5, -2, -1, 1, 2, 4), (-4, -2, -2, -1, 1, 2, 3), (-4, -4, -2, 2, 2)):
        units = Counter((rng.choice(sizes), 8) for _ in range(300))
        monkeypatch.undo()
        exact, _ = sign_test(units)
        monkeypatch.setattr(signs_module, "_LARGEST", 0)
        normal, chance = sign_test(units)
        assert normal == pytest.approx(exact, abs=5e-4, rel=0.02)
        assert chance(0.03) == 0.03


def step_down(pairs):
    """The algorithm of the design, plainly."""
    tests = [sign_test({(-1, 1): lost, (1, 1): gained}) for lost, gained in pairs]
    order = sorted(range(len(pairs)), key=lambda i: tests[i][0])
    found, so_far = [1.0] * len(pairs), 0.0
    for rank, j in enumerate(order):
        p = tests[j][0]
        so_far = max(so_far, 1 - math.prod(1 - tests[i][1](p) for i in order[rank:]))
        found[j] = so_far
    return found


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_family_p_without_missing_answers_is_the_plain_algorithm(pairs):
    family = {str(i): guard(lost, gained, 50) for i, (lost, gained) in enumerate(pairs)}
    decided = decide_guards(family)
    assert [verdict.family_p for verdict in decided.values()] == pytest.approx(step_down(pairs))
    for verdict in decided.values():
        assert verdict.status is (Status.FAIL if verdict.family_p <= 0.05 else Status.PASS)


def test_family_p_is_the_chance_of_any_p_as_small():
    """The smallest p of a family, against all outcomes of three small guards without a true change."""
    sizes = (5, 7, 9)
    by_chance = Counter()
    for gains in itertools.product(*[range(m + 1) for m in sizes]):
        ways = math.prod(math.comb(m, gained) for m, gained in zip(sizes, gains, strict=True))
        p = min(sign_test({(-1, 1): m - g, (1, 1): g})[0] for m, g in zip(sizes, gains, strict=True))
        by_chance[round(p, 12)] += ways / 2 ** sum(sizes)
    for lost, gained in ((9, 0), (8, 1), (7, 0)):
        index = sizes.index(lost + gained)
        family = {
            str(i): guard(lost, gained, 20) if i == index else guard(m // 2, m - m // 2, 20)
            for i, m in enumerate(sizes)
        }
        found = decide_guards(family)[str(index)]
        assert found.family_p == pytest.approx(sum(c for p, c in by_chance.items() if p <= found.p + 1e-12))


def test_the_sentence_of_a_guard():
    """Lost 16, gained 3 of 50, in a family of 36: a drop this clear is rare, and the others are fine."""
    rng = random.Random(1)
    family = {f"g{i}": guard(rng.randint(2, 5), rng.randint(2, 5), 50) for i in range(35)}
    family["worse"] = guard(16, 3, 50)
    decided = decide_guards(family)
    worse = decided.pop("worse")
    assert (worse.status, worse.lost, worse.gained, worse.items, worse.family) == (Status.FAIL, 16, 3, 50, 36)
    assert worse.p == pytest.approx(0.0022, abs=1e-4)
    assert 0.002 < worse.family_p < 0.05
    assert worse.value == pytest.approx(-0.26)
    assert worse.low < -0.26 < worse.high < 0
    assert {verdict.status for verdict in decided.values()} == {Status.PASS}
    assert [verdict.sees for verdict in decided.values()] == pytest.approx([0.24] * 35, abs=0.01)


def test_lower_is_better():
    ours, theirs = [(1, 0)] * 20 + [(0, 0)] * 80, [(0, 0)] * 100
    found = decide_guards({"hr": Guard(ours, theirs, higher=False)})["hr"]
    assert (found.status, found.value, found.lost, found.gained) == (Status.FAIL, 0.2, 20, 0)
    assert 0 < found.low < 0.2 < found.high
    assert decide_guards({"hr": Guard(theirs, ours, higher=False)})["hr"].status is Status.PASS


def test_selecting_part_of_a_family_never_shrinks_it():
    clear, faint, fine = guard(30, 2, 100), guard(9, 2, 100), guard(5, 5, 100)
    whole = {"clear": clear, "faint": faint, **{f"fine{i}": fine for i in range(34)}}
    everything = decide_guards(whole)
    assert everything["faint"].status is Status.PASS
    assert decide_guards({"faint": faint})["faint"].status is Status.FAIL
    selected = decide_guards({name: (one if name in ("clear", "faint") else None) for name, one in whole.items()})
    assert selected["clear"].status is Status.FAIL
    assert (selected["clear"].family, selected["clear"].unmeasured) == (36, 34)
    # alone it would have failed, with all others it passes: what the others are has to be known
    assert (selected["faint"].status, selected["faint"].why) == (Status.INCONCLUSIVE, Why.MISSING)
    alone = decide_guards({name: (fine if name == "fine0" else None) for name in whole})
    assert alone["fine0"].status is Status.PASS


def test_tripwire():
    steep = guard(9, 3, 20, tripwire=0.2)
    family = {"steep": steep, **{f"fine{i}": guard(2, 2, 50) for i in range(35)}}
    found = decide_guards(family)["steep"]
    assert (found.status, found.tripped) == (Status.FAIL, True)
    assert found.family_p > 0.05
    at_it = decide_guards({**family, "steep": guard(7, 3, 20, tripwire=0.2)})["steep"]
    assert (at_it.status, at_it.tripped) == (Status.PASS, False)
    # one more item, which the reference has right and the candidate has not answered
    ours, theirs = [(0, 0)] * 7 + [(1, 0)] * 12, [(1, 0)] * 7 + [(0, 0)] * 3 + [(1, 0)] * 9
    cut = Guard([*ours, (0, 1)], [*theirs, (1, 0)], tripwire=0.2)
    assert decide_guards({**family, "steep": cut})["steep"].status is Status.INCONCLUSIVE


def test_near_duplicates_count_once():
    copies = guard(12, 2, 50, clusters=[0] * 12 + list(range(1, 39)))
    assert decide_guards({"a": guard(12, 2, 50)})["a"].status is Status.FAIL
    assert decide_guards({"a": copies})["a"].status is Status.PASS


def test_confidence_and_level():
    assert one_of(1, 0.05) == pytest.approx(0.05)
    assert one_of(36, 0.05) == pytest.approx(1 - 0.95 ** (1 / 36))
    family = {"a": guard(8, 1, 50)}
    assert decide_guards(family, Sure("items", 0.95))["a"].status is Status.FAIL
    assert decide_guards(family, Sure("items", 0.99))["a"].status is Status.PASS


def test_sides_must_match():
    with pytest.raises(EvidenceError, match="guard x"):
        decide_guards({"x": Guard([(1, 0)], [])})


@pytest.mark.parametrize("family", [1, 2, 8, 36, 120])
@pytest.mark.parametrize("samples", [1, 4])
def test_the_least_items_are_those_of_which_a_total_loss_fails_whatever_the_others_show(family, samples):
    least = least_guarded(family, 0.05)

    def all_lost(n):
        return Guard([(0, 0)] * n, [(samples, 0)] * n, samples)

    # the others show the worst that there can be for this one: a loss as clear as its own
    decided = decide_guards({str(i): all_lost(least) for i in range(family)})
    assert {one.status for one in decided.values()} == {Status.FAIL}
    if least > 1:
        decided = decide_guards({str(i): all_lost(least - 1) for i in range(family)})
        assert Status.PASS not in {one.status for one in decided.values()}
        assert {one.blind for one in decided.values()} == {True}
    assert least == next(n for n in range(1, 99) if binomtest(0, n, 0.5, "less").pvalue <= one_of(family, 0.05))


def test_what_the_reference_cannot_lose_cannot_be_shown():
    """Right on 2 of 12: the loss of both is no proof, so nothing may be lost or missing."""
    bad = [(1, 0)] * 2 + [(0, 0)] * 10
    kept = decide_guards({"g": Guard(bad, bad)})["g"]
    assert (kept.status, kept.blind, kept.loses) == (Status.PASS, True, 2)
    better = decide_guards({"g": Guard([(1, 0)] * 12, bad)})["g"]
    assert better.status is Status.PASS
    swapped = [(0, 0), *[(1, 0)] * 11]
    for ours, theirs in (([(0, 0)] * 12, bad), (swapped, bad), ([*bad[:-1], (0, 1)], bad), (bad, [*bad[:-1], (0, 1)])):
        found = decide_guards({"g": Guard(ours, theirs)})["g"]
        assert (found.status, found.why) == (Status.INCONCLUSIVE, Why.BLIND)
    # a tripwire that the loss of both would trip sees it; one that it would not does not
    assert decide_guards({"g": Guard(swapped, bad, tripwire=0.1)})["g"].status is Status.PASS
    assert decide_guards({"g": Guard([(0, 0)] * 12, bad, tripwire=0.1)})["g"].status is Status.FAIL
    assert decide_guards({"g": Guard([(0, 0)] * 12, bad, tripwire=0.2)})["g"].why is Why.BLIND
