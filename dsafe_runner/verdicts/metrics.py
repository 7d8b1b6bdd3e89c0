"""Scores -> Estimates. A metric is a yes/no question about one response; missing responses have no answer.

Which responses count is the metric's own affair (`vocabulary.Metric`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from dsafe_runner.judges.calibration import label_of
from dsafe_runner.records import Estimate, Gap, Outcome, Score
from dsafe_runner.statistics.certain import rates
from dsafe_runner.statistics.kappa import kappa
from dsafe_runner.statistics.paired_tests import claim_of
from dsafe_runner.verdicts.evidence import Evidence
from dsafe_runner.vocabulary import ACCURACY, KAPPA, Rule, metric_named

_UNKNOWN = frozenset({Outcome.MISSING, Outcome.UNASKED})
_GAPS = {Outcome.TRUNCATED: Gap.CUT, Outcome.NO_ANSWER: Gap.NO_VERDICT, Outcome.UNASKED: Gap.NOT_ASKED}


def gap_of(metric: str, score: Score) -> Gap | None:
    """Why the metric knows nothing of a response; None where it does."""
    if metric_named(metric).counts(score) is not None:
        return None
    if score.outcome is Outcome.MISSING:
        return score.gap or Gap.NO_RESPONSE
    # of two readings, of the answer and of the thinking, one may have failed
    return _GAPS.get(score.outcome, Gap.NO_VERDICT)


def estimate(metric: str, evidence: Evidence, slice_name: str, confidence: float) -> Estimate:
    """A metric on a slice, with one-sided bounds, each at `confidence`, of the worst and best case of what is missing.

    They are about items like these, the items being the independent draws, not the several responses to one.

    Raises:
        EvidenceError: the slice is empty.
    """
    known = ("estimate", metric, slice_name, repr(confidence))
    if known not in evidence.memo:
        make = _kappa if metric == KAPPA.name else _estimate
        evidence.memo[known] = make(metric, evidence, slice_name, confidence)
    found: Estimate = evidence.memo[known]
    return found


def _estimate(metric: str, evidence: Evidence, slice_name: str, confidence: float) -> Estimate:
    items = evidence.items(slice_name)
    counted = tally(metric, evidence, slice_name)
    yes, missing = sum(k for k, _ in counted), sum(unknown for _, unknown in counted)
    scores = [score for item in items for score in evidence.scores[item]]
    gaps = Counter(gap for score in scores if (gap := gap_of(metric, score)) is not None)
    counted_wrong = Counter(score.outcome for score in scores if gap_of(metric, score) is None)
    n = len(items) * evidence.samples
    clusters = evidence.draws(slice_name)
    claim = claim_of(Rule.MIN, evidence.samples, clusters is not None)
    ends = rates(counted, evidence.samples, clusters)
    low, high = claim.low(ends[0], 1.0 - confidence), claim.high(ends[-1], 1.0 - confidence)
    return Estimate(
        yes,
        n,
        None if missing else yes / n,
        low,
        high,
        confidence,
        missing,
        truncated=counted_wrong[Outcome.TRUNCATED],
        # of a calibration: a labelled reply on which the judge gave no verdict
        no_answer=counted_wrong[Outcome.NO_ANSWER] + counted_wrong[Outcome.UNSCORED],
        least=yes / n,
        most=(yes + missing) / n,
        gaps={gap.value: gaps[gap] for gap in Gap if gaps[gap]},
    )


def labelled_pairs(evidence: Evidence, slice_name: str) -> list[tuple[int, int | None]]:
    """(what people said, what the judge said or None) for the labelled replies of a slice."""
    return [
        (label_of(evidence.slices[item]), score.label)
        for item in evidence.items(slice_name)
        for score in evidence.scores[item]
    ]


def _kappa(metric: str, evidence: Evidence, slice_name: str, confidence: float) -> Estimate:
    """Cohen's kappa with its interval; `k` counts the replies that got their label."""
    counts = _estimate(ACCURACY.name, evidence, slice_name, confidence)
    pairs = labelled_pairs(evidence, slice_name)
    found = kappa(pairs, 2.0 * confidence - 1.0)
    if not counts.missing:
        return replace(counts, value=found.value, low=found.low, high=found.high, least=found.value, most=found.value)
    # a reply that the judge was never shown is taken for one it misread, and for one it read as people did
    shown = [score.outcome not in _UNKNOWN for item in evidence.items(slice_name) for score in evidence.scores[item]]
    best = kappa(
        [(label, said if seen else label) for (label, said), seen in zip(pairs, shown, strict=True)],
        2.0 * confidence - 1.0,
    )
    return replace(counts, value=None, low=found.low, high=best.high, least=found.value, most=best.value)


def tally(metric: str, evidence: Evidence, slice_name: str) -> list[tuple[int, int]]:
    """Per item of a slice, in file order: responses the metric counts, and responses it cannot know."""
    known = ("tally", metric, slice_name)
    if known not in evidence.memo:
        counts = metric_named(metric).counts
        answers = [[counts(score) for score in evidence.scores[item]] for item in evidence.items(slice_name)]
        evidence.memo[known] = [(row.count(True), row.count(None)) for row in answers]
    found: list[tuple[int, int]] = evidence.memo[known]
    return found
