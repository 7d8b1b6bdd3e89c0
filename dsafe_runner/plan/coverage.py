"""What of a suite's benchmarks no check looks at: items that `per:` leaves out, and whole benchmarks nobody limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dsafe_runner.benchmarks.base import Benchmark, Offer
from dsafe_runner.errors import Mistake
from dsafe_runner.plan.shape import level
from dsafe_runner.records import OVERALL
from dsafe_runner.suite.spec import LoadedSuite, Threshold

SMALL = 0.01
"""Share of a benchmark's items that `per:` may leave without a check; they are told all the same."""


def uncovered(loaded: LoadedSuite, benchmarks: Mapping[str, Benchmark]) -> Iterable[tuple[Mistake, bool]]:
    """What is left out, each with whether it is too much to go on."""
    suite = loaded.suite
    whole = {(t.benchmark, t.metric, model) for t in suite.thresholds if _on_overall(t) for model in _models(t)}
    for index, threshold in enumerate(suite.thresholds):
        if threshold.per is None or threshold.benchmark not in benchmarks:
            continue
        if all((threshold.benchmark, threshold.metric, model) in whole for model in _models(threshold)):
            continue
        offer = benchmarks[threshold.benchmark].offer
        left, items = _left(threshold, offer), offer.slices.get(OVERALL, 0)
        if left > 0:
            per = ", ".join(threshold.per)
            what = f"per: [{per}] leaves {left} of {items} items of {threshold.benchmark} without a check"
            todo = f"say of what {per} they are, or add a check on overall"
            yield Mistake(*loaded.where("thresholds", index, "per"), what, todo), left > SMALL * items
    named = {threshold.benchmark for threshold in suite.thresholds}
    named |= {name for one in suite.overlap.values() for name in one.benchmarks or suite.benchmarks}
    for name in suite.benchmarks:
        if name not in named and not suite.benchmarks[name].report:
            what = f"no threshold names benchmark {name}, so nothing of it is asked"
            yield Mistake(*loaded.where("benchmarks", name), what, "add a threshold, or remove it"), False


def _models(threshold: Threshold) -> list[str]:
    return [threshold.model] if isinstance(threshold.model, str) else threshold.model


def _on_overall(threshold: Threshold) -> bool:
    if threshold.slices is not None:
        return OVERALL in threshold.slices
    return threshold.per is None or OVERALL in threshold.per


def _left(threshold: Threshold, offer: Offer) -> int:
    """Items that are in no slice of the levels: an item of a category is in that category's area."""
    levels = [name for name in ("area", "category") if name in (threshold.per or [])]
    inside = sum(count for name, count in offer.slices.items() if level(name, offer) == levels[0])
    return offer.slices.get(OVERALL, 0) - inside
