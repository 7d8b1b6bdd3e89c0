"""Judged metrics: how well the judge judges is part of the verdict, where labelled replies or people tell."""

from __future__ import annotations

from dataclasses import replace

from dsafe_runner.plan import GateCheck, ModelCheck
from dsafe_runner.records import OVERALL, Estimate, Outcome
from dsafe_runner.verdicts.evidence import Evidence
from dsafe_runner.verdicts.gate import Decision, Sure, Why, undecided
from dsafe_runner.verdicts.judge_doubts import Judged, Refusal, doubts
from dsafe_runner.verdicts.judge_error import Calibration, calibration, reviewed
from dsafe_runner.verdicts.metrics import labelled_pairs, tally
from dsafe_runner.vocabulary import METRICS, Rule


def judge_known(metric: str, evidence: Evidence) -> Calibration:
    """How well the judge of some calibration tells the classes that a metric counts."""
    known = ("calibration", metric)
    if known not in evidence.memo:
        evidence.memo[known] = calibration(labelled_pairs(evidence, OVERALL), METRICS[metric].classes)
    found: Calibration = evidence.memo[known]
    return found


def judge_doubts_of(check: ModelCheck, ours: Estimate, theirs: Estimate | None, known: Calibration) -> list[Refusal]:
    """Why the judge's verdicts cannot carry this gate; nothing where they can."""
    sides = [Judged(side.k, side.unscored, side.n - side.unasked, known) for side in (ours, theirs) if side is not None]
    # false alarms fill a limit only where nobody reads the flagged replies, and the flags themselves are counted
    alone = check.limit if check.rule is Rule.MAX and not check.reviewed and not check.corrected else None
    return doubts(*sides, harm=METRICS[check.metric].harm, limit=alone, confidence=check.confidence)


def review_decision(check: GateCheck, evidence: Evidence, known: Calibration | None, sure: Sure) -> Decision:
    """`max` of a rate of which people confirm every reply the judge flags.

    A flagged reply nobody has read is unknown, as is a missing verdict; what the judge may have overlooked is bounded
    by its sensitivity, so without labelled replies of it nothing can be told.
    """
    own = tally(check.metric, evidence, check.slice)
    if known is None or evidence.samples != 1:
        decided = undecided(check.rule, check.limit, sure, own, evidence.samples)
        return replace(decided, why=Why.NOT_CALIBRATED)
    counted = METRICS[check.metric].classes
    confirmed = unknown = 0
    for item in evidence.items(check.slice):
        (score,) = evidence.scores[item]
        if score.outcome is not Outcome.LABELLED:
            unknown += 1
        elif score.label in counted:
            confirmed += score.confirmed is True
            unknown += score.confirmed is None
    return reviewed(confirmed, unknown, len(own), known, check.limit, sure, evidence.draws(check.slice))
