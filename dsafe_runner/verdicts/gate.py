"""Gates: PASS is proven inside the limit, FAIL is proven outside, both for every completion of what is missing.

Pure functions from tallies to a `Decision`, which holds all that the sentence about it needs; no sentence is made here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from dsafe_runner.errors import EvidenceError
from dsafe_runner.records import Status
from dsafe_runner.statistics.certain import Tally, certain, differences, rates, turned
from dsafe_runner.statistics.feasibility import least_items, needed, spare, spotless
from dsafe_runner.statistics.gaffke import Units
from dsafe_runner.statistics.paired_tests import (
    SLACK,
    Claim,
    claim_of,
    published,
    rate,
    rerun_difference,
    rerun_rate,
    rerun_variance,
    whole,
)
from dsafe_runner.vocabulary import Rule


class Why(StrEnum):
    """Why a verdict could not be reached."""

    LIMIT_INSIDE = "limit inside the interval"
    MISSING = "missing answers"
    TOO_FEW = "too few items"
    NOT_CALIBRATED = "judge not calibrated"
    RERUN_NOISE = "rerun noise unmeasured"
    BLIND = "no answers of the candidate could fail it"


@dataclass(frozen=True, slots=True)
class Sure:
    """What a number is about, and how sure a verdict on it has to be.

    uncertainty  `items`: does it hold for items like these? `samples`: would the same models do it again on these very
                 items? `none`: is it so in this run?
    confidence   of each of the two claims, inside and outside: one-sided
    rerun_flips  share of items on which two runs of one model differ; only for `samples` with one answer per item
    """

    uncertainty: str = "items"
    confidence: float = 0.95
    rerun_flips: float | None = None

    @property
    def alpha(self) -> float:
        """How often either claim may be wrong."""
        return 1.0 - self.confidence


SURE = Sure()
"""What a suite means unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and what it rests on. Rates and differences are those of the metric, as the suite speaks of it.

    why             set exactly where the status is INCONCLUSIVE
    value           the rate; for relative rules candidate minus reference; None where answers are missing
    least, most     the value if what is missing turned out lowest, and highest
    low, high       one-sided bounds, each at `confidence`: of the worst completion of what is missing, and of the best
    k, n, missing   candidate: answers that count, all, unknown; `items` of them
    other_*         the same of the reference
    lost, gained    items on which the candidate is worse, and better, among those with all answers on both sides
    p, p_below      one-sided p of "inside the limit" in the worst completion, of "outside" in the best; None where
                    nothing is estimated
    needed          what must be observed to pass: at least that many for `min`, at most for `max`; None where no count
                    says it (several answers per item, relative rules, impossible limits)
    spare           PASS: further answers that may be bad or missing. Missing answers: of them, how many may stay
                    missing. None where no count says it
    least_items     too few items: how many would be enough; None if no number is
    blind           the reference is so bad that a candidate without one good answer would be inside the limit
    """

    status: Status
    why: Why | None
    rule: Rule
    limit: float
    sure: Sure
    value: float | None
    low: float
    high: float
    k: int
    n: int
    missing: int
    items: int
    samples: int
    least: float
    most: float
    other_k: float | None = None
    other_n: float | None = None
    other_missing: int = 0
    lost: int | None = None
    gained: int | None = None
    p: float | None = None
    p_below: float | None = None
    needed: int | None = None
    spare: int | None = None
    least_items: int | None = None
    blind: bool = False


def absolute(
    tally: Tally, samples: int, rule: Rule, limit: float, sure: Sure = SURE, clusters: Sequence[Hashable] | None = None
) -> Decision:
    """`min` or `max` on the tally of one slice.

    tally     per item: answers that the metric counts, and answers that are unknown, of `samples`
    clusters  per item what it is a near-duplicate of, if that matters

    Raises:
        EvidenceError: no items.
    """
    decided = undecided(rule, limit, sure, tally, samples)
    margin = rule.margin(limit)
    good = turned(tally, samples) if rule.turned else tally
    claim: Claim | None
    if sure.uncertainty == "none":
        claim = whole(0)
    elif sure.uncertainty == "samples":
        variance = rerun_variance(good, samples, sure.rerun_flips)
        claim = None if variance is None else rerun_rate(variance)
    else:
        claim = claim_of(rule, samples, clusters is not None)
    if claim is None:
        return replace(decided, why=Why.RERUN_NOISE)
    if claim is rate or not claim.tested:
        count = needed(rule, limit, decided.n, sure.confidence, sure.uncertainty)
        decided = replace(decided, needed=count)
    decided = _decide(decided, claim, rates(good, samples, clusters), (margin, margin))
    return _too_few(decided, claim, margin)


def relative(
    ours: Tally,
    theirs: Tally,
    samples: int,
    rule: Rule,
    limit: float,
    sure: Sure = SURE,
    clusters: Sequence[Hashable] | None = None,
    youden: tuple[float, float] = (1.0, 1.0),
) -> Decision:
    """`drop`, `gain`, `rise` or `fall` of a candidate against a reference on the same items, in the same order.

    youden  bounds of a judge's sensitivity + specificity - 1, the share of a true difference that it shows

    Raises:
        EvidenceError: no items, or not the same number of them.
    """
    if len(ours) != len(theirs):
        raise EvidenceError("the two models do not hold the same items; measure both again")
    decided = undecided(rule, limit, sure, ours, samples, theirs)
    margin = rule.margin(limit)
    good, other = (turned(ours, samples), turned(theirs, samples)) if rule.turned else (ours, theirs)
    known = Counter(
        (yes > other_yes) - (yes < other_yes)
        for (yes, unknown), (other_yes, other_unknown) in zip(good, other, strict=True)
        if not unknown + other_unknown
    )
    decided = replace(decided, lost=known[-1], gained=known[1])
    claim: Claim | None
    if sure.uncertainty == "none":
        claim = whole(-1)
    elif sure.uncertainty == "samples":
        variances = [rerun_variance(side, samples, sure.rerun_flips) for side in (good, other)]
        measured = [variance for variance in variances if variance is not None]
        claim = rerun_difference(sum(measured)) if len(measured) == 2 else None
    else:
        claim = claim_of(rule, samples, clusters is not None)
    if claim is None:
        return replace(decided, why=Why.RERUN_NOISE)
    # of a true difference as large as the limit, the most and the least that the judge may show
    least, most = sorted(margin * share for share in youden)
    completions = differences(good, other, samples, clusters)
    decided = _decide(decided, claim, completions, (most, least))
    nothing = differences([(0, 0)] * len(other), [(yes, 0) for yes, _ in other], samples, clusters)[0]
    lost = any(moved < 0 for (moved, _), count in completions[0].items() if count)
    return _seeing(_too_few(decided, claim, most), claim.p(nothing, most) <= sure.alpha, lost)


def against_counts(
    tally: Tally,
    samples: int,
    other: tuple[float, float],
    rule: Rule,
    limit: float,
    sure: Sure = SURE,
    clusters: Sequence[Hashable] | None = None,
) -> Decision:
    """`drop`, `gain`, `rise` or `fall` against published counts: (answers that the metric counts, items).

    Of a published table the noise between runs is not known, so `samples` is INCONCLUSIVE.

    Raises:
        EvidenceError: no items on one of the sides.
    """
    other_k, other_n = other
    if other_n <= 0:
        raise EvidenceError("the published counts hold no items; correct them")
    decided = replace(undecided(rule, limit, sure, tally, samples), other_k=other_k, other_n=other_n)
    decided = shifted(decided, other_k / other_n)
    margin = rule.margin(limit)
    good, other_good = (turned(tally, samples), other_n - other_k) if rule.turned else (tally, other_k)
    if sure.uncertainty == "samples":
        return replace(decided, why=Why.RERUN_NOISE)
    if sure.uncertainty == "none":
        # a difference from a fixed rate is a rate, shifted
        fixed = other_good / other_n
        claim, ends, shift = whole(0), (margin + fixed, margin + fixed), fixed
    else:
        claim, ends, shift = published(other_good, other_n), (margin, margin), 0.0
    decided = _decide(decided, claim, rates(good, samples, clusters), ends, shift)
    lost = sum(yes for yes, _ in good) * other_n < other_good * decided.n - SLACK
    return _seeing(decided, claim.p({(0, samples): len(good)}, ends[0]) <= sure.alpha, lost)


def _seeing(decided: Decision, blind: bool, lost: bool) -> Decision:
    """Where even a candidate without one good answer would pass, one passes only if nothing is lost or missing."""
    if not blind or decided.status is not Status.PASS:
        return decided
    if lost or decided.missing or decided.other_missing:
        return replace(decided, status=Status.INCONCLUSIVE, why=Why.BLIND, blind=True)
    return replace(decided, blind=True)


def undecided(
    rule: Rule, limit: float, sure: Sure, tally: Tally, samples: int, theirs: Tally | None = None
) -> Decision:
    """A decision before its verdict: the counts, and bounds that say nothing."""
    if not tally:
        raise EvidenceError("the slice has no items, so nothing can be decided on it")
    k, missing, n = sum(yes for yes, _ in tally), sum(unknown for _, unknown in tally), len(tally) * samples
    lowest = -1.0 if rule.relative else 0.0
    start = Decision(
        Status.INCONCLUSIVE,
        Why.LIMIT_INSIDE,
        rule,
        limit,
        sure,
        None if missing else k / n,
        lowest,
        1.0,
        k,
        n,
        missing,
        len(tally),
        samples,
        k / n,
        (k + missing) / n,
    )
    if theirs is None:
        return start
    other_k, other_missing = sum(yes for yes, _ in theirs), sum(unknown for _, unknown in theirs)
    return replace(
        start,
        other_k=other_k,
        other_n=n,
        other_missing=other_missing,
        value=None if missing or other_missing else (k - other_k) / n,
        least=(k - other_k - other_missing) / n,
        most=(k + missing - other_k) / n,
    )


def shifted(decided: Decision, rate: float) -> Decision:
    """The decision with its value told as a difference from a fixed rate."""
    value = None if decided.value is None else decided.value - rate
    return replace(decided, value=value, least=decided.least - rate, most=decided.most - rate)


def _decide(
    decided: Decision, claim: Claim, completions: Sequence[Units], margins: tuple[float, float], shift: float = 0.0
) -> Decision:
    """The verdict that all completions have, and its numbers.

    margins  what must be proven to be reached to pass, and what not to be reached to fail
    shift    taken off the bounds
    """
    inside, outside = margins
    alpha = decided.sure.alpha

    ps = [(claim.p(units, inside), claim.p_below(units, outside)) for units in completions]

    def verdict(completion: tuple[float, float]) -> Status:
        p, p_below = completion
        return Status.PASS if p <= alpha else Status.FAIL if p_below <= alpha else Status.INCONCLUSIVE

    worst, best = completions[0], completions[-1]
    status = certain(verdict, ps)
    why = Why.MISSING if status is None else Why.LIMIT_INSIDE if status is Status.INCONCLUSIVE else None
    # what passes for sure, or would if all that is missing were good
    passing = worst if status is Status.PASS else best if status is None and ps[-1][0] <= alpha else None
    low, high = claim.low(worst, alpha) - shift, claim.high(best, alpha) - shift
    if decided.rule.turned:
        # the claim was about the answers that do not count
        low, high = (-high, -low) if decided.rule.relative else (1.0 - high, 1.0 - low)
    return replace(
        decided,
        status=status or Status.INCONCLUSIVE,
        why=why,
        low=low,
        high=high,
        p=ps[0][0] if claim.tested else None,
        p_below=ps[-1][1] if claim.tested else None,
        spare=None if passing is None else spare(claim, passing, inside, alpha),
    )


def _too_few(decided: Decision, claim: Claim, inside: float) -> Decision:
    """Say so where not even spotless answers to so few items would have passed."""
    if decided.why is not Why.LIMIT_INSIDE or not claim.tested:
        return decided
    if claim.p(spotless(decided.rule, decided.items, decided.samples), inside) <= decided.sure.alpha:
        return decided
    enough = None
    if decided.sure.uncertainty == "items":
        enough = least_items(decided.rule, decided.limit, decided.sure.confidence, decided.samples)
    return replace(decided, why=Why.TOO_FEW, least_items=enough)
