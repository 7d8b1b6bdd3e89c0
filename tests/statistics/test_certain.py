"""Decided is what no completion of the missing answers could change: against brute force over all completions."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsafe_runner.records import Status
from dsafe_runner.statistics.certain import certain
from dsafe_runner.verdicts.gate import Sure, Why, absolute, against_counts, relative
from dsafe_runner.verdicts.guards import Guard, decide_guards
from dsafe_runner.verdicts.judge_error import Calibration, judged, reviewed
from dsafe_runner.vocabulary import Rule

CONFIDENCE = st.sampled_from([0.6, 0.8, 0.95])
SAMPLES = st.sampled_from([1, 1, 2, 3])


def tallies(samples, known, unknown=3):
    """Some items with all their answers, and a few with unknown ones."""
    whole = st.integers(0, samples).map(lambda yes: (yes, 0))
    cut = st.integers(1, samples).flatmap(lambda u: st.integers(0, samples - u).map(lambda yes: (yes, u)))
    return st.tuples(
        st.lists(st.tuples(whole, st.integers(1, known)), max_size=4), st.lists(cut, min_size=1, max_size=unknown)
    ).map(lambda parts: [item for item, times in parts[0] for _ in range(times)] + parts[1])


def completions(tally):
    return [
        [(yes + more, 0) for (yes, _), more in zip(tally, added, strict=True)]
        for added in itertools.product(*[range(unknown + 1) for _, unknown in tally])
    ]


def agreed(verdicts):
    """The one verdict of all completions, and INCONCLUSIVE with its reason where there are several."""
    found = set(verdicts)
    return (found.pop(), False) if len(found) == 1 else (Status.INCONCLUSIVE, True)


def same(decision, completed):
    """`completed`: the decisions on all completions."""
    if decision.blind or any(one.blind for one in completed):
        # no candidate could fail it: then it passes only where it would be so in every completion, and none is missing
        if decision.status is Status.PASS:
            assert not decision.missing + decision.other_missing
            assert {one.status for one in completed} == {Status.PASS}
        return
    status, undecided = agreed(one.status for one in completed)
    assert decision.status is status
    assert (decision.why is Why.MISSING) == undecided
    assert (decision.why is None) == (status is not Status.INCONCLUSIVE)


ABSOLUTE = st.sampled_from([Rule.MIN, Rule.MAX])
RELATIVE = st.sampled_from([Rule.DROP, Rule.GAIN, Rule.RISE, Rule.FALL])
LIMIT = st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.5, 0.8, 1.0])


@given(st.data(), SAMPLES, ABSOLUTE, LIMIT, CONFIDENCE, st.sampled_from(["items", "none"]))
@settings(max_examples=100, deadline=None)
def test_absolute(data, samples, rule, limit, confidence, uncertainty):
    tally = data.draw(tallies(samples, 20))
    sure = Sure(uncertainty, confidence)
    decision = absolute(tally, samples, rule, limit, sure)
    same(decision, [absolute(full, samples, rule, limit, sure) for full in completions(tally)])


@given(st.data(), st.sampled_from([2, 3, 4]), ABSOLUTE, LIMIT, CONFIDENCE)
@settings(max_examples=100, deadline=None)
def test_absolute_between_runs(data, samples, rule, limit, confidence):
    """The noise between runs is not monotone, so its largest value stands for all: never wrong, at times undecided."""
    tally = data.draw(tallies(samples, 20))
    sure = Sure("samples", confidence)
    decision = absolute(tally, samples, rule, limit, sure)
    if decision.status is not Status.INCONCLUSIVE:
        assert {absolute(full, samples, rule, limit, sure).status for full in completions(tally)} == {decision.status}


@st.composite
def sides(draw, samples, known=15, unknown=2):
    ours = draw(tallies(samples, known, unknown))
    theirs = [(draw(st.integers(0, samples)), 0) for _ in ours]
    for index in draw(st.lists(st.integers(0, len(ours) - 1), max_size=2)):
        theirs[index] = (0, samples)
    return ours, theirs


@given(st.data(), SAMPLES, RELATIVE, LIMIT, CONFIDENCE, st.sampled_from(["items", "none"]))
@settings(max_examples=60, deadline=None)
def test_relative(data, samples, rule, limit, confidence, uncertainty):
    ours, theirs = data.draw(sides(samples))
    sure = Sure(uncertainty, confidence)
    decision = relative(ours, theirs, samples, rule, limit, sure)
    same(decision, [relative(a, b, samples, rule, limit, sure) for a in completions(ours) for b in completions(theirs)])


@given(st.data(), st.sampled_from([2, 3]), RELATIVE, LIMIT, CONFIDENCE)
@settings(max_examples=60, deadline=None)
def test_relative_between_runs(data, samples, rule, limit, confidence):
    ours, theirs = data.draw(sides(samples))
    sure = Sure("samples", confidence)
    decision = relative(ours, theirs, samples, rule, limit, sure)
    if decision.status is not Status.INCONCLUSIVE:
        full = itertools.product(completions(ours), completions(theirs))
        assert {relative(a, b, samples, rule, limit, sure).status for a, b in full} == {decision.status}


@given(st.data(), RELATIVE, LIMIT, CONFIDENCE)
@settings(max_examples=40, deadline=None)
def test_clusters(data, rule, limit, confidence):
    ours, theirs = data.draw(sides(2))
    clusters = [data.draw(st.integers(0, 5)) for _ in ours]
    sure = Sure("items", confidence)
    decision = relative(ours, theirs, 2, rule, limit, sure, clusters)
    full = itertools.product(completions(ours), completions(theirs))
    same(decision, [relative(a, b, 2, rule, limit, sure, clusters) for a, b in full])


@given(st.data(), SAMPLES, RELATIVE, LIMIT, CONFIDENCE, st.sampled_from(["items", "none"]))
@settings(max_examples=60, deadline=None)
def test_published_counts(data, samples, rule, limit, confidence, uncertainty):
    tally = data.draw(tallies(samples, 20))
    other_n = data.draw(st.integers(1, 200))
    other = (data.draw(st.integers(0, other_n)), other_n)
    sure = Sure(uncertainty, confidence)
    decision = against_counts(tally, samples, other, rule, limit, sure)
    same(decision, [against_counts(full, samples, other, rule, limit, sure) for full in completions(tally)])


@given(st.data(), ABSOLUTE, LIMIT, CONFIDENCE)
@settings(max_examples=80, deadline=None)
def test_a_judge_with_errors(data, rule, limit, confidence):
    tally = data.draw(tallies(1, 30))
    known = Calibration(data.draw(st.integers(60, 100)), 100, data.draw(st.integers(140, 200)), 200)
    sure = Sure("items", confidence)
    decision = judged(tally, 1, known, rule, limit, sure)
    same(decision, [judged(full, 1, known, rule, limit, sure) for full in completions(tally)])


@given(st.integers(0, 30), st.integers(1, 8), st.integers(38, 300), st.sampled_from([0.02, 0.05, 0.2]), CONFIDENCE)
@settings(max_examples=80, deadline=None)
def test_replies_that_nobody_has_read_yet(confirmed, unknown, n, limit, confidence):
    known, sure = Calibration(95, 100, 190, 200), Sure("items", confidence)
    decision = reviewed(confirmed, unknown, n, known, limit, sure)
    same(decision, [reviewed(confirmed + i, 0, n, known, limit, sure) for i in range(unknown + 1)])


@given(st.data(), SAMPLES, st.sampled_from([0.6, 0.8, 0.95]), st.sampled_from([None, 0.1, 0.3]))
@settings(max_examples=25, deadline=None)
def test_guard_families(data, samples, confidence, tripwire):
    """Never wrong about any member, whatever becomes of the whole family."""
    family = {}
    for name in ("a", "b", "c"):
        ours, theirs = data.draw(sides(samples, unknown=1))
        whole = data.draw(st.booleans())
        if whole:
            ours, theirs = [(yes, 0) for yes, _ in ours], [(yes, 0) for yes, _ in theirs]
        family[name] = Guard(ours, theirs, samples, tripwire=tripwire)
    sure = Sure("items", confidence)
    decided = decide_guards(family, sure)
    every = {
        name: [(a, b) for a in completions(guard.ours) for b in completions(guard.theirs)]
        for name, guard in family.items()
    }
    combinations = list(itertools.product(*every.values()))
    for combination in combinations[:: len(combinations) // 20 + 1]:
        full = {name: Guard(a, b, samples, tripwire=tripwire) for name, (a, b) in zip(family, combination, strict=True)}
        for name, verdict in decide_guards(full, sure).items():
            assert verdict.blind or verdict.status is not Status.INCONCLUSIVE
            assert decided[name].status in (verdict.status, Status.INCONCLUSIVE)
            assert verdict.family_p <= decided[name].family_p + 1e-12


def test_a_guard_that_lacks_an_answer_in_a_large_slice_is_still_decided():
    """Not only never wrong: an answer or two do not leave the family undecided."""
    clear = [(1, 0)] * 30 + [(0, 0)] * 18 + [(0, 1)] * 2
    worse = Guard(clear, [(1, 0)] * 50)
    fine = [Guard([(1, 0)] * 45 + [(0, 0)] * 4 + [(0, 1)], [(1, 0)] * 44 + [(0, 0)] * 6) for _ in range(20)]
    decided = decide_guards({"worse": worse, **{f"fine{i}": guard for i, guard in enumerate(fine)}})
    assert decided.pop("worse").status is Status.FAIL
    assert {guard.status for guard in decided.values()} == {Status.PASS}


def test_the_rule_itself():
    order = {"-": Status.FAIL, "0": Status.INCONCLUSIVE, "+": Status.PASS}
    assert certain(order.__getitem__, "++") is Status.PASS
    assert certain(order.__getitem__, "00") is Status.INCONCLUSIVE
    assert certain(order.__getitem__, "-") is Status.FAIL
    assert certain(order.__getitem__, "0+") is None
    assert certain(order.__getitem__, "---+") is None


@pytest.mark.parametrize(("asked", "expected"), [(40, None), (97, Status.PASS), (60, None)])
def test_stopping_early_is_the_same_rule(asked, expected):
    """100 items, 90 % right so far: `min: 0.8` of this run is settled once the rest could all be wrong, or cut."""
    right = [(1, 0)] * (asked - asked // 10) + [(0, 0)] * (asked // 10)
    rest = 100 - asked

    def verdict(tally):
        return absolute(tally, 1, Rule.MIN, 0.8, Sure("none")).status

    assert certain(verdict, [right + [(0, 0)] * rest, right + [(1, 0)] * rest]) is expected
