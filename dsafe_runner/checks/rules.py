"""Estimates -> Verdicts: the one place where a limit meets the numbers.

Integers are compared, never rounded percentages: at least 0.80 of 50 is 40 of 50. Missing responses are never guessed:
a check passes when it passes for every completion of them, fails when it fails for every completion, and is
INCONCLUSIVE otherwise. Two caps then turn a verdict into INCONCLUSIVE: too many missing responses (all of them always
are), and, for accuracy, too many cut or unreadable answers on either side.
"""

from __future__ import annotations

import math
from dataclasses import replace

from dsafe_runner.checks.evidence import Evidence
from dsafe_runner.checks.metrics import GRADED, change, estimate
from dsafe_runner.errors import EvidenceError
from dsafe_runner.plan import CALIBRATION, Check
from dsafe_runner.records import Estimate, Status, Verdict
from dsafe_runner.suite.spec import Policy

_SLACK = 1e-9
"""0.8 * 50 is 40.00000000000001 in floating point; the need is 40."""


def need(limit: float, n: int) -> int:
    """Fewest of n that reach a rate of at least `limit`."""
    return math.ceil(limit * n - _SLACK)


def allowance(limit: float, n: int) -> int:
    """Most of n that stay at a rate of at most `limit`."""
    return math.floor(limit * n + _SLACK)


def decide_check(check: Check, candidate: Evidence, reference: Evidence | None, policy: Policy) -> Verdict:
    """The verdict on one check.

    Raises:
        EvidenceError: an empty slice, or two sides that do not hold the same items.
    """
    ours = estimate(check.metric, candidate, check.slice, policy.confidence)
    if check.benchmark == CALIBRATION:
        return _hygiene(check, _calibrated(check, ours), ours, check.model, policy)
    theirs = None
    low = high = None
    if check.versus is not None:
        if reference is None:
            raise EvidenceError(f"no scores of {check.versus} to compare with")
        if candidate.items(check.slice) != reference.items(check.slice) or candidate.samples != reference.samples:
            raise EvidenceError(f"{candidate.measurement} and {reference.measurement} do not hold the same items")
        theirs = estimate(check.metric, reference, check.slice, policy.confidence)
        low, high = change(check.metric, candidate, reference, check.slice, policy.confidence)
    status, sentence = _compare(check, ours, theirs)
    verdict = Verdict(
        check.id, status, sentence, estimate=ours, reference=theirs, change_low=low, change_high=high,
        because_missing=status is Status.INCONCLUSIVE,
    )
    for side, who in ((ours, check.model), (theirs, check.versus)):
        if side is not None:
            verdict = _hygiene(check, verdict, side, who or "", policy)
    return verdict


def _calibrated(check: Check, ours: Estimate) -> Verdict:
    """Whether a judge is proven to agree with people.

    Labelled replies are a sample of what it will read, so the limit must lie outside of the interval.
    """
    shown = f"{check.metric} {_rate(ours)} ({ours.low:.3f} to {ours.high:.3f}, {ours.k} of {ours.n} as labelled)"
    if ours.low >= check.limit:
        status, sentence = Status.PASS, f"{shown}: proven >= {check.limit:g}"
    elif ours.high < check.limit:
        status, sentence = Status.FAIL, f"{shown}: below {check.limit:g}"
    else:
        status = Status.INCONCLUSIVE
        sentence = f"cannot tell: {shown}, limit {check.limit:g} inside the interval; label more replies"
    return Verdict(check.id, status, sentence, estimate=ours, because_missing=status is Status.INCONCLUSIVE)


def _compare(check: Check, ours: Estimate, theirs: Estimate | None) -> tuple[Status, str]:
    """Status over all completions of the missing responses, and the sentence for it."""
    n = ours.n
    if theirs is None:
        worst, best = ours.k, ours.k + ours.missing
        if check.rule == "min":
            bound = need(check.limit, n)
            passes, fails = worst >= bound, best < bound
            word = f"needs {bound} of {n}, has {ours.k}"
        else:
            bound = allowance(check.limit, n)
            passes, fails = best <= bound, worst > bound
            word = f"allows {bound} of {n}, has {ours.k}"
        shown = _rate(ours)
    else:
        lowest = ours.k - (theirs.k + theirs.missing)
        highest = ours.k + ours.missing - theirs.k
        if check.rule in ("drop", "fall"):
            lowest, highest = -highest, -lowest
        # now lowest..highest is the movement the rule is about, in responses
        if check.rule in ("drop", "rise"):
            bound = allowance(check.limit, n)
            passes, fails = highest <= bound, lowest > bound
            word = f"allows {bound} of {n}"
        else:
            bound = need(check.limit, n)
            passes, fails = lowest >= bound, highest < bound
            word = f"needs {bound} of {n}"
        moved = ours.k - theirs.k if check.rule in ("gain", "rise") else theirs.k - ours.k
        word = f"{word}, has {moved}; {check.model} {ours.k}, {check.versus} {theirs.k}"
        shown = _signed(moved / n)
    missing = ours.missing + (theirs.missing if theirs else 0)
    unscored = ours.unscored + (theirs.unscored if theirs else 0)
    status = Status.PASS if passes else Status.FAIL if fails else Status.INCONCLUSIVE
    holds, breaks = (">=", "<") if check.rule in ("min", "gain", "fall") else ("<=", ">")
    sign = breaks if status is Status.FAIL else holds
    name = check.metric if theirs is None else f"{check.metric} {check.rule} vs {check.versus}"
    sentence = f"{name} {shown} {sign} {check.limit:g} ({word})"
    if status is Status.INCONCLUSIVE:
        sentence = (
            f"cannot tell: {missing} responses are missing{_unscored(unscored)} and could decide it: {name} {shown}, "
            f"limit {check.limit:g} ({word})"
        )
    return status, sentence


def _hygiene(check: Check, verdict: Verdict, side: Estimate, who: str, policy: Policy) -> Verdict:
    """INCONCLUSIVE where the evidence itself is too poor, whatever the numbers say."""
    unread = side.truncated + side.no_answer
    if check.metric in GRADED and unread > allowance(policy.max_no_answer, side.n):
        reason = (
            f"cannot tell: {unread} of {side.n} answers of {who} are cut ({side.truncated}) or unreadable "
            f"({side.no_answer}), allowed {policy.max_no_answer:.0%}; raise max_tokens or look at the answers"
        )
        return replace(verdict, status=Status.INCONCLUSIVE, reason=reason, because_missing=True)
    if side.missing == side.n and verdict.status is Status.PASS:
        # `min: 0` holds for every completion, and `max_missing: 1.0` allows all to be missing: still no evidence
        reason = f"cannot pass: not one of {side.n} responses of {who} could be used"
        return replace(verdict, status=Status.INCONCLUSIVE, reason=reason, because_missing=True)
    if side.missing > allowance(policy.max_missing, side.n) and verdict.status is Status.PASS:
        reason = (
            f"cannot pass: {side.missing} of {side.n} responses of {who} are missing{_unscored(side.unscored)}, "
            f"allowed {policy.max_missing:.0%}"
        )
        return replace(verdict, status=Status.INCONCLUSIVE, reason=reason, because_missing=True)
    return verdict


def _unscored(count: int) -> str:
    return f" ({count} unscored: no verdict of the judge could be read)" if count else ""


def _rate(estimate: Estimate) -> str:
    return "unknown" if estimate.value is None else f"{estimate.value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"
