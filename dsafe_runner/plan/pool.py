"""Guards that could not fail: how many items one needs, and `pool: area`, which guards too small slices together.

A guard's p is at least 2**-items, however bad the candidate: that every item was lost is one of so many patterns of
signs. Held against the level that each guard of a family has for itself, that is the number of items from which on a
total loss fails whatever the other guards show. Several responses to an item are no further items.

Only item counts are looked at, never outcomes: a pool that is chosen after the fact shows what it was chosen to show.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from dsafe_runner.benchmarks.base import Benchmark, Offer
from dsafe_runner.errors import Mistake
from dsafe_runner.plan.checks import GuardCheck, ModelCheck
from dsafe_runner.plan.shape import level
from dsafe_runner.records import OVERALL
from dsafe_runner.suite.spec import LoadedSuite

POOLED = "pooled"
"""The category that stands for an area's too small ones in check ids."""


def least_guarded(family: int, error: float) -> int:
    """Items that a guard needs, so that losing all of them fails in a family of so many."""
    alone = -math.expm1(math.log1p(-error) / family)
    return max(1, math.ceil(-math.log2(alone) - 1e-9))


def too_small(check: GuardCheck, items: int, least: int) -> bool:
    """Whether no outcome on so many items could fail a guard; a drop of all of them is more than any tripwire."""
    return items < least and (check.tripwire is None or check.tripwire >= 1.0)


def pooled(
    loaded: LoadedSuite, checks: Mapping[str, ModelCheck], benchmarks: Mapping[str, Benchmark], mistakes: list[Mistake]
) -> dict[str, ModelCheck]:
    """The checks, those of `pool: area` that are too small replaced by what guards their items together.

    The least number is that of the family before pooling, so that pooling one slice never changes what becomes of
    another.
    """
    families = Counter(check.model for check in checks.values() if isinstance(check, GuardCheck))
    kept: dict[str, ModelCheck] = {}
    small: dict[tuple[str, ...], list[GuardCheck]] = {}
    for key, check in checks.items():
        samples = loaded.suite.benchmarks[check.benchmark].samples
        least = least_guarded(families[check.model] or 1, loaded.suite.policy.guard_error)
        if isinstance(check, GuardCheck) and check.pool and too_small(check, check.n // samples, least):
            offer = benchmarks[check.benchmark].offer
            area = check.slice.partition(".")[0] if level(check.slice, offer) == "category" else OVERALL
            small.setdefault((check.model, check.benchmark, check.rule_id, area), []).append(check)
        else:
            kept[key] = check
    for (model, benchmark, _, area), group in small.items():
        samples = loaded.suite.benchmarks[benchmark].samples
        least = least_guarded(families[model], loaded.suite.policy.guard_error) * samples
        for check in _together(group, area, least, samples, benchmarks[benchmark].offer, mistakes):
            kept.setdefault(check.id, check)
    return kept


def _together(
    group: list[GuardCheck], area: str, least: int, samples: int, offer: Offer, mistakes: list[Mistake]
) -> list[GuardCheck]:
    """What guards the items of some too small slices of an area; themselves where nothing is large enough."""
    first, n = group[0], sum(check.n for check in group)
    if area != OVERALL and len(group) > 1 and n >= least:
        name = f"{area}.{POOLED}"
        if name in offer.slices:
            what = f"{first.benchmark} has a category {name}, as the pool of {area} would be called"
            mistakes.append(Mistake(*first.where, what, "rename the category, or leave `pool` out"))
        return [replace(first, slice=name, n=n, parts=tuple(check.slice for check in group))]
    for name in (area, OVERALL):
        if offer.slices.get(name, 0) * samples >= least:
            return [replace(first, slice=name, n=offer.slices[name] * samples)]
    return group
