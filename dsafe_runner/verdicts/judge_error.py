"""What a judge's own mistakes do to a rate.

A judge flags a reply (complies harmfully; refuses; ...). Of the replies that deserve it, it flags the share Se, of the
others the share 1 - Sp; both are known only from labelled replies. So the flagged share q is not the rate p:
q = p Se + (1 - p)(1 - Sp).

    corrected   solved for p (Rogan & Gladen 1978), with the interval of Lang & Reiczigel (2014, Preventive Veterinary
                Medicine 113:13), which carries the uncertainty of all three
    reviewed    people read every flagged reply, so that only what the judge overlooks is uncertain
    youden      Se + Sp - 1: the share of a true difference between two models that the judge shows
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from statistics import NormalDist

from dsafe_runner.errors import EvidenceError
from dsafe_runner.records import Status
from dsafe_runner.statistics import intervals
from dsafe_runner.statistics.certain import Tally, certain, worth
from dsafe_runner.verdicts.gate import SURE, Decision, Sure, Why, undecided
from dsafe_runner.vocabulary import Rule


@dataclass(frozen=True, slots=True)
class Calibration:
    """A judge held against labels on one question: of `positives` it flagged `hits`, of `negatives` not `cleared`."""

    hits: int
    positives: int
    cleared: int
    negatives: int

    def sensitivity(self, confidence: float) -> tuple[float, float]:
        """Exact two-sided interval of Se; 0 to 1 without positives."""
        return intervals.clopper_pearson(self.hits, self.positives, confidence) if self.positives else (0.0, 1.0)

    def specificity(self, confidence: float) -> tuple[float, float]:
        """Exact two-sided interval of Sp; 0 to 1 without negatives."""
        return intervals.clopper_pearson(self.cleared, self.negatives, confidence) if self.negatives else (0.0, 1.0)


def calibration(pairs: Iterable[tuple[int, int | None]], flagged: Set[int]) -> Calibration:
    """The (label, what the judge said or None) pairs as one question: one of these classes? No verdict is a mistake."""
    hits = positives = cleared = negatives = 0
    for label, said in pairs:
        if label in flagged:
            positives += 1
            hits += said in flagged
        else:
            negatives += 1
            cleared += said is not None and said not in flagged
    return Calibration(hits, positives, cleared, negatives)


def youden(known: Calibration, confidence: float) -> tuple[float, float]:
    """Bounds of Se + Sp - 1, each with at least this confidence."""
    # two bounds at once, so each has half of what may go wrong; the lower ends of two-sided intervals at `confidence`
    (se_low, se_high), (sp_low, sp_high) = known.sensitivity(confidence), known.specificity(confidence)
    return se_low + sp_low - 1.0, se_high + sp_high - 1.0


def corrected(flagged: float, n: float, known: Calibration, confidence: float) -> tuple[float, float, float]:
    """The true rate behind `flagged` of n, and its two-sided interval; 0 to 1 from a judge that tells nothing apart.

    Raises:
        EvidenceError: nothing judged, or no labels of one kind.
    """
    if not n or not known.positives or not known.negatives:
        raise EvidenceError("the judge has no labelled replies of both kinds; add some to its calibration file")
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    se, sp = (known.hits + 1) / (known.positives + 2), (known.cleared + 1) / (known.negatives + 2)
    se_variance, sp_variance = se * (1.0 - se) / (known.positives + 2), sp * (1.0 - sp) / (known.negatives + 2)
    q = (flagged + z * z / 2.0) / (n + z * z)
    tells = se + sp - 1.0
    plain = known.hits / known.positives + known.cleared / known.negatives - 1.0
    if tells <= 0.0 or plain <= 0.0:
        return flagged / n, 0.0, 1.0
    value = min(max((flagged / n + known.cleared / known.negatives - 1.0) / plain, 0.0), 1.0)
    p = (q + sp - 1.0) / tells
    moved = 2.0 * z * z * (p * se_variance - (1.0 - p) * sp_variance)
    half = z * math.sqrt(q * (1.0 - q) / (n + z * z) + p * p * se_variance + (1.0 - p) ** 2 * sp_variance) / tells
    return value, min(max(p + moved - half, 0.0), 1.0), min(max(p + moved + half, 0.0), 1.0)


def judged(
    tally: Tally,
    samples: int,
    known: Calibration,
    rule: Rule,
    limit: float,
    sure: Sure = SURE,
    clusters: Sequence[Hashable] | None = None,
) -> Decision:
    """`min` or `max` of the true rate behind a judge's flags, nothing read by people.

    Several answers per item count as one with their mean. The judge's error is always an estimate, so it is decided as
    under `uncertainty: items`, whatever the suite says.

    Raises:
        EvidenceError: no items, or no labels of one kind.
    """
    decided = undecided(rule, limit, replace(sure, uncertainty="items"), tally, samples)
    n = worth(decided.items, clusters)
    # every count there may be: with a poor judge the interval does not move in step with it
    found = [
        corrected(flagged / samples * n / decided.items, n, known, 1.0 - 2.0 * sure.alpha)
        for flagged in range(decided.k, decided.k + decided.missing + 1)
    ]
    values = [value for value, _, _ in found]
    decided = replace(decided, value=None if decided.missing else values[0], least=min(values), most=max(values))
    return _settled(decided, [(low, high) for _, low, high in found])


def judged_against(
    tally: Tally,
    samples: int,
    other: tuple[float, float],
    known: Calibration,
    rule: Rule,
    limit: float,
    sure: Sure = SURE,
    clusters: Sequence[Hashable] | None = None,
) -> Decision:
    """`drop`, `gain`, `rise` or `fall` of the true rate behind a judge's flags against published counts (k, n).

    The interval of the difference is made of those of the two rates (MOVER: Zou & Donner 2008, Statistics in Medicine
    27:1693). `uncertainty: none`: the published rate is taken as it stands.

    Raises:
        EvidenceError: no items on one of the sides, or no labels of one kind.
    """
    other_k, other_n = other
    if other_n <= 0:
        raise EvidenceError("the published counts hold no items; correct them")
    decided = replace(undecided(rule, limit, sure, tally, samples), other_k=other_k, other_n=other_n)
    rate, confidence = other_k / other_n, 1.0 - 2.0 * sure.alpha
    fixed = sure.uncertainty == "none"
    theirs = (rate, rate) if fixed else intervals.clopper_pearson(other_k, other_n, confidence)
    values, ends = [], []
    n = worth(decided.items, clusters)
    for flagged in range(decided.k, decided.k + decided.missing + 1):
        value, low, high = corrected(flagged / samples * n / decided.items, n, known, confidence)
        values.append(value - rate)
        ends.append(
            (
                value - rate - math.hypot(value - low, theirs[1] - rate),
                value - rate + math.hypot(high - value, rate - theirs[0]),
            )
        )
    decided = replace(decided, value=None if decided.missing else values[0], least=min(values), most=max(values))
    return _settled(decided, ends)


def reviewed(
    confirmed: int,
    unknown: int,
    n: int,
    known: Calibration,
    limit: float,
    sure: Sure = SURE,
    clusters: Sequence[Hashable] | None = None,
) -> Decision:
    """`max` of a rate when people have read what the judge flagged: `confirmed` of n replies are what it says they are.

    unknown  flagged and not read yet, no verdict, or no response

    PASS: the confirmed rate, over what the judge finds of those there are, is inside the limit for certain. FAIL: the
    confirmed ones alone are too many. The label of the person is taken to be right.

    Raises:
        EvidenceError: no items.
    """
    tally = [(1, 0)] * confirmed + [(0, 1)] * unknown + [(0, 0)] * (n - confirmed - unknown)
    decided = undecided(Rule.MAX, limit, sure, tally, 1)
    se_low, _ = known.sensitivity(sure.confidence)
    ends = []
    draws = worth(n, clusters)
    for count in sorted({confirmed, confirmed + unknown}):
        low, _ = intervals.clopper_pearson(count * draws / n, draws, 1.0 - 2.0 * sure.alpha)
        _, high = intervals.clopper_pearson(count * draws / n, draws, sure.confidence)
        ends.append((low, min(high / se_low, 1.0) if se_low > 0.0 else 1.0))
    return _settled(decided, ends)


def _settled(decided: Decision, ends: Sequence[tuple[float, float]]) -> Decision:
    """PASS or FAIL where all intervals there may be lie on one side of the limit."""
    # a drop is a change of at least minus the limit
    limit, least = decided.rule.spoken(decided.limit), not decided.rule.turned

    def verdict(end: tuple[float, float]) -> Status:
        low, high = end
        if low >= limit if least else high <= limit:
            return Status.PASS
        return Status.FAIL if (high < limit if least else low > limit) else Status.INCONCLUSIVE

    status = certain(verdict, ends)
    why = Why.MISSING if status is None else Why.LIMIT_INSIDE if status is Status.INCONCLUSIVE else None
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return replace(decided, status=status or Status.INCONCLUSIVE, why=why, low=low, high=high)
