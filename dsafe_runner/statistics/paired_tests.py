"""One-sided claims: "the true value is at least this", each with its p and with the bound that turns the p around.

    rate           Clopper & Pearson                one answer per item
    difference     Tango's score                    one answer per item on both sides, paired
    mean           Gaffke's bound (`spacings`)      several answers per item, or clusters of items
    published      Miettinen & Nurminen             against a table of counts
    rerun_*        variance between the answers     would the same model on the same items do it again?
    whole          no error at all                  these items are all there is

Higher is better in all of them; "at most" is the same claim about the complement. In all of them a
better answer to any item never gives a larger p or a lower bound, so the worst completion of what is missing speaks for
all (`certain`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

from dsafe_runner.statistics import gaffke, intervals, miettinen_nurminen
from dsafe_runner.statistics.gaffke import Units
from dsafe_runner.vocabulary import Rule

SLACK = 1e-9
"""0.8 * 50 is 40.00000000000001 in floating point; the need is 40."""

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Claim:
    """Ways to prove that the true value of `units` is at least a margin, or below it.

    p        (units, margin) -> one-sided p of "at least the margin"; at most 1 - confidence: proven
    low      (units, alpha) -> proven for every margin up to this
    p_below  one-sided p of "below the margin"
    high     proven to be below every margin above this
    worst    the lowest value there can be: 0 for rates, -1 for differences
    tested   false where nothing is estimated, and p only says yes or no
    """

    p: Callable[[Units, float], float]
    low: Callable[[Units, float], float]
    p_below: Callable[[Units, float], float]
    high: Callable[[Units, float], float]
    worst: int
    tested: bool = True


def _claim(
    p: Callable[[Units, float], float], low: Callable[[Units, float], float], worst: int, tested: bool = True
) -> Claim:
    """A claim whose opposite is the same claim about the complement: 1 - rate, or reference minus candidate."""
    turn = worst + 1

    def complement(units: Units) -> Units:
        return {(turn * size - total, size): count for (total, size), count in units.items()}

    return Claim(
        # that a value is not below the lowest there can be needs no proof; that it is above it does
        p=lambda units, margin: 0.0 if margin <= worst else p(units, margin),
        low=low,
        p_below=lambda units, margin: 0.0 if margin > 1.0 else p(complement(units), turn - margin),
        high=lambda units, alpha: turn - low(complement(units), alpha),
        worst=worst,
        tested=tested,
    )


def sums(units: Units) -> tuple[int, int]:
    """Sum of all answers and their number."""
    total = answers = 0
    for (value, size), count in units.items():
        total += value * count
        answers += size * count
    return total, answers


def _rate_p(units: Units, margin: float) -> float:
    k, n = sums(units)
    return intervals.regularised_beta(margin, k, n - k + 1) if k else 1.0


def _rate_low(units: Units, alpha: float) -> float:
    return intervals.clopper_pearson(*sums(units), 1.0 - 2.0 * alpha)[0]


rate = _claim(_rate_p, _rate_low, worst=0)
"""Of items with one yes/no answer each."""


def flips(units: Units) -> tuple[int, int, int]:
    """Lost, gained and all, of pairs with one answer on each side."""
    return units.get((-1, 1), 0), units.get((1, 1), 0), sum(units.values())


def _difference_p(units: Units, margin: float) -> float:
    return _NORMAL.cdf(-intervals.tango_z(*flips(units), margin))


def _difference_low(units: Units, alpha: float) -> float:
    return intervals.tango(*flips(units), 1.0 - 2.0 * alpha)[0]


difference = _claim(_difference_p, _difference_low, worst=-1)
"""Candidate minus reference, of items with one yes/no answer on both sides; a unit is -1, 0 or 1."""


@cache
def mean(worst: int) -> Claim:
    """A mean of answers, each between `worst` and 1: 0 for rates, -1 for differences."""
    return _claim(
        lambda units, margin: gaffke.p_value(units, worst, margin),
        lambda units, alpha: gaffke.lower_bound(units, worst, alpha),
        worst=worst,
    )


@cache
def published(other_k: float, other_n: float) -> Claim:
    """A rate minus a published one. Several answers per item count as one with their mean: no narrower than that."""

    def counts(units: Units) -> tuple[float, float]:
        k, answers = sums(units)
        # clusters of unequal sizes are worth fewer draws than there are of them (Kish 1965)
        n = answers**2 / sum(size * size * count for (_, size), count in units.items())
        return k * n / answers, n

    def p(units: Units, margin: float) -> float:
        return (
            0.0 if margin <= -1.0 else _NORMAL.cdf(-miettinen_nurminen.score(*counts(units), other_k, other_n, margin))
        )

    def low(units: Units, alpha: float) -> float:
        return miettinen_nurminen.interval(*counts(units), other_k, other_n, 1.0 - 2.0 * alpha)[0]

    def p_below(units: Units, margin: float) -> float:
        return 0.0 if margin > 1.0 else _NORMAL.cdf(miettinen_nurminen.score(*counts(units), other_k, other_n, margin))

    def high(units: Units, alpha: float) -> float:
        return miettinen_nurminen.interval(*counts(units), other_k, other_n, 1.0 - 2.0 * alpha)[1]

    return Claim(p, low, p_below, high, worst=-1)


def rerun_variance(tally: Sequence[tuple[int, int]], samples: int, rerun_flips: float | None = None) -> float | None:
    """Variance of a rate over these very items between one run and the next.

    It is the largest that any completion of the unknown answers has, and never 0: that none of many answers differed
    leaves room for a few in that many.

    tally        per item: answers that count, and answers that are unknown
    rerun_flips  share of items that change their answer when the same model is run twice: all that is known of the
                 noise where each item has one answer

    Returns None where nothing is known of it.
    """
    n = len(tally)
    floor = max(0.25 / samples, 4.0 / samples**2) / n**2
    if samples == 1:
        return None if rerun_flips is None else rerun_flips / (2 * n) + floor
    within = 0
    for yes, unknown in tally:
        nearest = min(max(samples // 2, yes), yes + unknown)
        within += nearest * (samples - nearest)
    return within / (samples**2 * (samples - 1)) / n**2 + floor


def rerun_rate(variance: float) -> Claim:
    """A rate over these very items, were the same model asked again.

    variance  of the rate between runs (`rerun_variance`). The rate is bounded as if it came from as many independent
              answers as have that variance, and never from fewer than there are: the sum of draws with unequal
              chances varies less than a binomial (Hoeffding 1956).
    """

    def counts(units: Units) -> tuple[float, float]:
        k, n = sums(units)
        share = k / n
        effective = max(float(n), share * (1.0 - share) / variance)
        return share * effective, effective

    def p(units: Units, margin: float) -> float:
        k, n = counts(units)
        return intervals.regularised_beta(margin, k, n - k + 1.0) if k else 1.0

    return _claim(p, lambda units, alpha: intervals.clopper_pearson(*counts(units), 1.0 - 2.0 * alpha)[0], worst=0)


def rerun_difference(variance: float) -> Claim:
    """A difference over these very items, were both models asked again; `variance` of both together."""
    error = math.sqrt(variance)

    def p(units: Units, margin: float) -> float:
        total, n = sums(units)
        return _NORMAL.cdf((margin - total / n) / error)

    def low(units: Units, alpha: float) -> float:
        total, n = sums(units)
        return max(total / n + _NORMAL.inv_cdf(alpha) * error, -1.0)

    return _claim(p, low, worst=-1)


def _whole_p(units: Units, margin: float) -> float:
    total, n = sums(units)
    return 0.0 if total >= margin * n - SLACK else 1.0


@cache
def whole(worst: int) -> Claim:
    """These answers are the whole matter: integers are compared, nothing is estimated."""
    return _claim(_whole_p, lambda units, _: _ratio(*sums(units)), worst=worst, tested=False)


def _ratio(total: int, n: int) -> float:
    return total / n


def claim_of(rule: Rule, samples: int, clustered: bool = False) -> Claim:
    """The claim a rule makes about items like these (`uncertainty: items`)."""
    single = samples == 1 and not clustered
    if rule.relative:
        return difference if single else mean(-1)
    return rate if single else mean(0)
