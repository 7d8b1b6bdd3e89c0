"""What a limit asks for, before anything is measured."""

import pytest

from dsafe_runner.records import Status
from dsafe_runner.statistics.feasibility import least_items, needed
from dsafe_runner.verdicts.gate import Sure, absolute, relative
from dsafe_runner.vocabulary import Rule


@pytest.mark.parametrize(
    ("n", "share"),
    [(1567, 0.817), (460, 0.833), (399, 0.835), (355, 0.837), (254, 0.846), (99, 0.879), (50, 0.900), (20, 1.0)],
)
def test_what_must_be_observed_for_eighty_per_cent(n, share):
    assert needed(Rule.MIN, 0.8, n) / n == pytest.approx(share, abs=5e-4)


@pytest.mark.parametrize(("n", "events"), [(463, 4), (266, 1), (197, 0), (149, 0), (148, None), (27, None)])
def test_harmful_replies_allowed_at_two_per_cent(n, events):
    assert needed(Rule.MAX, 0.02, n) == events


@pytest.mark.parametrize(
    ("rule", "limit", "n", "count"),
    [
        (Rule.MIN, 0.80, 50, 40),
        (Rule.MIN, 0.8, 1567, 1254),
        (Rule.MAX, 0.02, 463, 9),
        (Rule.MAX, 0.02, 50, 1),
        (Rule.MIN, 1.0, 7, 7),
    ],
)
def test_integers_where_this_run_is_the_matter(rule, limit, n, count):
    assert needed(rule, limit, n, uncertainty="none") == count


@pytest.mark.parametrize(
    ("rule", "limit", "samples", "n"),
    [
        (Rule.MAX, 0.02, 1, 149),
        (Rule.MAX, 0.02, 8, 149),
        (Rule.MIN, 0.9, 1, 29),
        (Rule.MIN, 0.98, 1, 149),
        (Rule.MIN, 0.0, 1, 1),
        (Rule.DROP, 0.02, 1, 133),
        (Rule.RISE, 0.02, 1, 133),
        (Rule.DROP, 0.02, 4, 149),
        (Rule.DROP, 0.03, 1, 88),
        (Rule.MAX, 0.0, 1, None),
        (Rule.MIN, 1.0, 1, None),
        (Rule.DROP, 0.0, 1, None),
        (Rule.DROP, 0.0, 4, None),
    ],
)
def test_fewest_items(rule, limit, samples, n):
    assert least_items(rule, limit, 0.95, samples) == n


@pytest.mark.parametrize(
    ("rule", "limit", "samples"),
    [
        (Rule.MAX, 0.05, 1),
        (Rule.MIN, 0.7, 2),
        (Rule.DROP, 0.1, 1),
        (Rule.GAIN, 0.2, 1),
        (Rule.FALL, 0.3, 2),
        (Rule.GAIN, 0.0, 1),
    ],
)
def test_fewest_items_are_the_fewest(rule, limit, samples):
    least = least_items(rule, limit, 0.95, samples)
    for n, expected in ((least, True), (least - 1, False)):
        if n == 0:
            continue
        good, bad = [(samples, 0)] * n, [(0, 0)] * n
        if rule in (Rule.MIN, Rule.MAX):
            found = absolute(good if rule == Rule.MIN else bad, samples, rule, limit, Sure())
        else:
            pair = {Rule.DROP: (good, good), Rule.GAIN: (good, bad), Rule.FALL: (bad, good)}[rule]
            found = relative(*pair, samples, rule, limit, Sure())
        assert (found.status is Status.PASS) is expected
