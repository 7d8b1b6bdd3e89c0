"""What a limit asks for before anything is measured: the counts that pass, and the fewest items that ever could."""

from __future__ import annotations

import math
from functools import lru_cache

from dsafe_runner.statistics.gaffke import Units
from dsafe_runner.statistics.paired_tests import SLACK, Claim, claim_of, difference, flips, rate, sums, whole
from dsafe_runner.vocabulary import Rule

_MOST = 1 << 30


@lru_cache(maxsize=4096)
def needed(rule: Rule, limit: float, n: int, confidence: float = 0.95, uncertainty: str = "items") -> int | None:
    """What a check on n answers must observe to pass: at least this many (`min`), or at most this many (`max`).

    Under `items` that is with one answer per item and nothing missing. None: no count passes.
    """
    good = fewest_good(whole(0) if uncertainty == "none" else rate, n, rule.margin(limit), 1.0 - confidence)
    if good is None:
        return None
    return n - good if rule.turned else good


@lru_cache(maxsize=4096)
def fewest_good(claim: Claim, n: int, margin: float, alpha: float) -> int | None:
    """Fewest good answers of n, one per item, that prove a rate of at least the margin; None if all of them do not."""

    def proven(k: int) -> bool:
        return claim.p({(1, 1): k, (0, 1): n - k}, margin) <= alpha

    if not proven(n):
        return None
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if proven(middle) else (middle, high)
    return high


@lru_cache(maxsize=4096)
def least_items(rule: Rule, limit: float, confidence: float = 0.95, samples: int = 1) -> int | None:
    """Fewest items with which a check could ever pass under `uncertainty: items`; None: no number is enough.

    `min` and `max` are held against spotless answers, `gain` and `fall` against the greatest gain there can be, `drop`
    and `rise` against a candidate that answers every item like its reference: a limit that an identical model cannot
    keep is a mistake, even if a better one could.
    """
    claim, margin = claim_of(rule, samples), rule.margin(limit)

    def possible(n: int) -> bool:
        return claim.p(spotless(rule, n, samples), margin) <= 1.0 - confidence

    high = 1
    while not possible(high):
        high *= 2
        if high > _MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if possible(middle) else (middle, high)
    return high


def spotless(rule: Rule, n: int, samples: int) -> Units:
    """The answers that `least_items` holds a limit against."""
    return {(samples if rule.at_least or not rule.relative else 0, samples): n}


def spare(claim: Claim, units: Units, margin: float, alpha: float) -> int | None:
    """Further answers that may turn bad while the margin stays proven, of units that prove it.

    None where it depends on which answers turn: several answers per item, clusters.
    """
    total, n = sums(units)
    if not claim.tested:
        return math.floor(total - margin * n + SLACK)
    if claim is rate:
        fewest = fewest_good(claim, n, margin, alpha)
        return None if fewest is None else total - fewest
    if claim is not difference:
        return None
    lost, gained, pairs = flips(units)
    low, high = 0, pairs - lost - gained + 1
    while high - low > 1:
        middle = (low + high) // 2
        worse = {(-1, 1): lost + middle, (1, 1): gained, (0, 1): pairs - lost - gained - middle}
        low, high = (middle, high) if claim.p(worse, margin) <= alpha else (low, middle)
    return low
