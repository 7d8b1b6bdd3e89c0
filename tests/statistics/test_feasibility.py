"""What a limit asks for, before anything is measured."""

import pytest

from dsafe_runner.records import Status
from dsafe_runner.statistics.feasibility import least_items, needed
from dsafe_runner.verdicts.gate import Sure, absolute, relative


@pytest.mark.parametrize(
    ("n", "share"),
    [(1567, 0.817), (460, 0.833), (399, 0.835), (355, 0.837), (254, 0.846), (99, 0.879), (50, 0.900), (20, 1.0)],
)
def test_what_must_be_observed_for_eighty_per_cent(n, share):
    assert needed("min", 0.8, n) / n == pytest.approx(share, abs=5e-4)


@pytest.mark.parametrize(("n", "events"), [(463, 4), (266, 1), (197, 0), (149, 0), (148, None), (27, None)])
def test_harmful_replies_allowed_at_two_per_cent(n, events):
    assert needed("max", 0.02, n) == events


@pytest.mark.parametrize(
    ("rule", "limit", "n", "count"),
    [("min", 0.80, 50, 40), ("min", 0.8, 1567, 1254), ("max", 0.02, 463, 9), ("max", 0.02, 50, 1), ("min", 1.0, 7, 7)],
)
def test_integers_where_this_run_is_the_matter(rule, limit, n, count):
    assert needed(rule, limit, n, uncertainty="none") == count


@pytest.mark.parametrize(
    ("rule", "limit", "samples", "n"),
    [
        ("max", 0.02, 1, 149),
        ("max", 0.02, 8, 149),
        ("min", 0.9, 1, 29),
        ("min", 0.98, 1, 149),
        ("min", 0.0, 1, 1),
        ("drop", 0.02, 1, 133),
        ("rise", 0.02, 1, 133),
        ("drop", 0.02, 4, 149),
        ("drop", 0.03, 1, 88),
        ("max", 0.0, 1, None),
        ("min", 1.0, 1, None),
        ("drop", 0.0, 1, None),
        ("drop", 0.0, 4, None),
    ],
)
def test_fewest_items(rule, limit, samples, n):
    assert least_items(rule, limit, 0.95, samples) == n


@pytest.mark.parametrize(
    ("rule", "limit", "samples"),
    [("max", 0.05, 1), ("min", 0.7, 2), ("drop", 0.1, 1), ("gain", 0.2, 1), ("fall", 0.3, 2), ("gain", 0.0, 1)],
)
def test_fewest_items_are_the_fewest(rule, limit, samples):
    least = least_items(rule, limit, 0.95, samples)
    for n, expected in ((least, True), (least - 1, False)):
        if n == 0:
            continue
        good, bad = [(samples, 0)] * n, [(0, 0)] * n
        if rule in ("min", "max"):
            found = absolute(good if rule == "min" else bad, samples, rule, limit, Sure())
        else:
            pair = {"drop": (good, good), "gain": (good, bad), "fall": (bad, good)}[rule]
            found = relative(*pair, samples, rule, limit, Sure())
        assert (found.status is Status.PASS) is expected
