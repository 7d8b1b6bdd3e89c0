"""What a check can find: the smallest true change that it decides 80 % of the time. Known before anything is measured.

Exact for one answer per item (all numbers of flips that can occur); a normal approximation for several.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

from dsafe_runner.statistics import intervals
from dsafe_runner.statistics.feasibility import needed
from dsafe_runner.statistics.paired_tests import claim_of, difference
from dsafe_runner.vocabulary import Rule

ASSUMED_FLIPS = 0.15
"""Share of items whose answer changes between a model and a fine-tune of it that is as good, where the suite has
measured none. It is assumed, not seen: right on 0.8 of the items, and halfway between independent and identical."""

POWER = 0.8

_NORMAL = NormalDist()


@lru_cache(maxsize=4096)
def detectable_drop(n: int, flips: float, alpha: float = 0.05, samples: int = 1, limit: float = 0.0) -> float | None:
    """The smallest true drop that is proven 80 % of the time; None where not even a drop to nothing is.

    n      items; `samples` answers to each, on both sides
    flips  share of items that change their answer without a reason, between one answer each
    alpha  of a guard: `guards.one_of` of its family
    limit  0: a guard, by the exact sign test; above: a gate with that `max_drop`, proven to be outside
    """
    if samples > 1:
        return _least(lambda drop: _several(n, flips, samples, alpha, drop, drop - limit), limit)
    guard = limit == 0.0
    return _least(lambda drop: _found(n, flips, drop, lambda m: _lost_to_fail(n, m, limit, alpha, guard)), limit)


@lru_cache(maxsize=4096)
def clearable_drop(n: int, flips: float, alpha: float = 0.05, samples: int = 1) -> float | None:
    """The smallest `max_drop` that an unchanged candidate passes 80 % of the time; None where there is none."""
    if samples > 1:
        return _least(lambda limit: _several(n, flips, samples, alpha, 0.0, limit), 0.0)
    return _least(lambda limit: 1.0 - _found(n, flips, 0.0, lambda m: _lost_to_stay(n, m, limit, alpha)), 0.0)


@lru_cache(maxsize=4096)
def passing_rate(rule: Rule, limit: float, n: int, confidence: float = 0.95) -> float | None:
    """The true rate from which `min` or `max` passes 80 % of the time (one answer per item); None: no rate does."""
    count = needed(rule, limit, n, confidence)
    if count is None:
        return None
    if not rule.turned:
        return intervals.beta_quantile(POWER, count, n - count + 1) if count else 0.0
    return intervals.beta_quantile(1.0 - POWER, count + 1, n - count) if count < n else 1.0


@lru_cache(maxsize=4096)
def failing_rate(rule: Rule, limit: float, n: int, confidence: float = 0.95) -> float | None:
    """The true rate from which `min` or `max` fails 80 % of the time (one answer per item); None: no rate does."""
    margin = rule.margin(limit)
    claim = claim_of(rule, 1)
    low, high = -1, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        failed = claim.p_below({(1, 1): middle, (0, 1): n - middle}, margin) <= 1.0 - confidence
        low, high = (middle, high) if failed else (low, middle)
    if low < 0:
        return None
    rate = intervals.beta_quantile(1.0 - POWER, low + 1, n - low) if low < n else 1.0
    return 1.0 - rate if rule.turned else rate


def _least(power: Callable[[float], float], start: float) -> float | None:
    """The smallest value above `start`, to a thousandth, that has the power; power grows with it."""
    low, high = start, 1.0
    if power(high) < POWER:
        return None
    while high - low > 5e-4:
        middle = (low + high) / 2.0
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def _found(n: int, flips: float, drop: float, lost_needed: Callable[[int], int]) -> float:
    """P(at least `lost_needed(m)` of m flips are losses): m is binomial, and so are the losses of m."""
    share = min(max(flips, drop), 1.0 - 1e-12)
    if share <= 0.0:
        return 1.0 if lost_needed(0) <= 0 else 0.0
    losing = (share + drop) / (2.0 * share)
    spread = 4.5 * math.sqrt(n * share * (1.0 - share)) + 2.0
    found = 0.0
    for m in range(max(0, int(n * share - spread)), min(n, int(n * share + spread)) + 1):
        weight = math.exp(
            math.lgamma(n + 1)
            - math.lgamma(m + 1)
            - math.lgamma(n - m + 1)
            + m * math.log(share)
            + (n - m) * math.log1p(-share)
        )
        need = lost_needed(m)
        if need <= m:
            found += weight * (intervals.regularised_beta(losing, need, m - need + 1) if need > 0 else 1.0)
    return found


@lru_cache(maxsize=65536)
def _lost_to_fail(n: int, m: int, limit: float, alpha: float, guard: bool) -> int:
    """Fewest losses among m flips of n items that fail; m + 1 if none do."""

    def fails(lost: int) -> bool:
        if guard:
            return lost > 0 and intervals.regularised_beta(0.5, lost, m - lost + 1) <= alpha
        return difference.p_below(_flipped(n, m, lost), -limit) <= alpha

    return _first(fails, m)


def _lost_to_stay(n: int, m: int, limit: float, alpha: float) -> int:
    """Fewest losses among m flips of n items that do not pass; m + 1 if all do."""
    return _first(lambda lost: difference.p(_flipped(n, m, lost), -limit) > alpha, m)


def _flipped(n: int, m: int, lost: int) -> dict[tuple[int, int], int]:
    return {(-1, 1): lost, (1, 1): m - lost, (0, 1): n - m}


def _first(true: Callable[[int], bool], m: int) -> int:
    low, high = -1, m + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if true(middle) else (middle, high)
    return high


def _several(n: int, flips: float, samples: int, alpha: float, drop: float, distance: float) -> float:
    """Power with several answers: the mean difference is normal, and the bound counts one worst item more."""
    share = max(flips, drop)
    spread = math.sqrt(max(share / samples - drop**2 / samples, 1e-12) / n)
    bound = -_NORMAL.inv_cdf(alpha) * math.sqrt(spread**2 + 1.0 / n**2) + 1.0 / n
    return _NORMAL.cdf((distance - bound) / spread)
