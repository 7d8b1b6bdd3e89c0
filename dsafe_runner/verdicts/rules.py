"""Evidence -> Verdicts: the one place where a limit meets the numbers.

A gate passes when it is proven inside its limit and fails when it is proven outside, whatever the missing answers
were; anything else is INCONCLUSIVE (`gate`). A guard fails only on a drop proven across all guards of its model
(`guards`). Two caps then turn a verdict into INCONCLUSIVE: too many missing responses (all of them always are), and,
for accuracy, too many cut or unreadable answers on either side. Both are about what was asked.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from dsafe_runner.errors import EvidenceError
from dsafe_runner.plan import CalibrationCheck, Check, GateCheck, GuardCheck, ModelCheck
from dsafe_runner.records import Estimate, Gap, Status, Verdict
from dsafe_runner.statistics.paired_tests import SLACK
from dsafe_runner.suite.spec import Policy
from dsafe_runner.verdicts import gate, guards, judge_error
from dsafe_runner.verdicts.evidence import Evidence
from dsafe_runner.verdicts.judged import judge_doubts_of, judge_known, review_decision
from dsafe_runner.verdicts.metrics import estimate, tally
from dsafe_runner.verdicts.wording import causes, gate_sentence, guard_sentence, judge_cannot, span
from dsafe_runner.vocabulary import METRICS, metric_named


def need(limit: float, n: int) -> int:
    """Fewest of n that reach a rate of at least `limit`."""
    return math.ceil(limit * n - SLACK)


def allowance(limit: float, n: int) -> int:
    """Most of n that stay at a rate of at most `limit`."""
    return math.floor(limit * n + SLACK)


def decide_check(
    check: GateCheck,
    candidate: Evidence,
    reference: Evidence | tuple[float, float] | None,
    policy: Policy,
    rerun_flips: float | None = None,
    calibration: Evidence | None = None,
) -> Verdict:
    """The verdict on one gate.

    reference    what `versus` names: scores, or published counts (answers that the metric counts, items)
    rerun_flips  share of items on which two runs of the reference differ, where that has been measured
    calibration  what the judge of a judged metric said of labelled replies

    Raises:
        EvidenceError: an empty slice, or two sides that do not hold the same items.
    """
    if check.calibration is not None and calibration is None:
        raise EvidenceError(f"what judge {check.judge} said of its labelled replies was not measured; run again")
    ours = estimate(check.metric, candidate, check.slice, check.confidence)
    sure = gate.Sure(check.uncertainty, check.confidence, rerun_flips)
    own, draws = tally(check.metric, candidate, check.slice), candidate.draws(check.slice)
    theirs = None
    known = judge_known(check.metric, calibration) if calibration is not None and check.corrected else None
    if check.versus is None:
        if check.reviewed:
            decided = review_decision(check, candidate, known, sure)
        elif known is not None:
            decided = judge_error.judged(own, candidate.samples, known, check.rule, check.limit, sure, draws)
        else:
            decided = gate.absolute(own, candidate.samples, check.rule, check.limit, sure, draws)
        ours = replace(ours, low=decided.low, high=decided.high)
    elif reference is None:
        raise EvidenceError(f"no scores of {check.versus} to compare with")
    elif isinstance(reference, Evidence):
        _same_items(check, candidate, reference)
        theirs = estimate(check.metric, reference, check.slice, check.confidence)
        other = tally(check.metric, reference, check.slice)
        shows = (1.0, 1.0) if known is None else judge_error.youden(known, check.confidence)
        decided = gate.relative(own, other, candidate.samples, check.rule, check.limit, sure, draws, shows)
    elif known is not None and check.uncertainty != "samples":
        made = judge_error.judged_against
        decided = made(own, candidate.samples, reference, known, check.rule, check.limit, sure, draws)
    else:
        decided = gate.against_counts(own, candidate.samples, reference, check.rule, check.limit, sure, draws)
    refusals = judge_doubts_of(check, ours, theirs, known) if known is not None else []
    if refusals:
        decided = replace(decided, status=Status.INCONCLUSIVE, why=gate.Why.NOT_CALIBRATED)
    verdict = Verdict(
        check.id,
        decided.status,
        gate_sentence(check, decided, refusals, _gaps(decided, ours, theirs)),
        estimate=ours,
        reference=theirs,
        change_low=decided.low if check.versus else None,
        change_high=decided.high if check.versus else None,
        because_missing=decided.why is gate.Why.MISSING,
        details=_details(check, decided),
    )
    return _caps(check, _believed(check, verdict, ours, theirs, calibration, policy), ours, theirs, policy)


def decide_guards(
    checks: tuple[GuardCheck, ...], evidence: Mapping[str, Evidence], policy: Policy
) -> dict[str, Verdict]:
    """The verdicts on those guards of a model's family that have been measured, by check id.

    Raises:
        EvidenceError: two sides that do not hold the same items.
    """
    family: dict[str, guards.Guard | None] = {}
    for check in checks:
        # not `get`: a worker's evidence is read when it is first looked up
        ours, theirs = (evidence[m] if m in evidence else None for m in (check.own, check.other or ""))  # noqa: SIM401
        if ours is None or theirs is None:
            family[check.id] = None
            continue
        _same_items(check, ours, theirs)
        family[check.id] = guards.Guard(
            tally(check.metric, ours, check.cells),
            tally(check.metric, theirs, check.cells),
            ours.samples,
            METRICS[check.metric].higher_is_better,
            check.tripwire,
            ours.draws(check.cells),
        )
    found = guards.decide_guards(family, gate.Sure("items", 1.0 - policy.guard_error))
    verdicts = {}
    for check in checks:
        # what its judge is worth is not known yet: there is no verdict
        judged = check.calibration is None or check.calibration in evidence
        if check.id in found and judged:
            guarded = found[check.id]
            both = (evidence[m] for m in (check.own, check.other or ""))
            sides = [estimate(check.metric, side, check.cells, policy.confidence) for side in both]
            verdict = Verdict(
                check.id,
                guarded.status,
                guard_sentence(check, guarded),
                estimate=sides[0],
                reference=sides[1],
                change_low=guarded.low,
                change_high=guarded.high,
                because_missing=guarded.why is gate.Why.MISSING or (guarded.why is not None and guarded.missing > 0),
                details={
                    "role": "guard",
                    "uncertainty": "items",
                    "confidence": 1.0 - policy.guard_error,
                    "p": guarded.family_p,
                    "own_p": guarded.p,
                    "lost": guarded.lost,
                    "gained": guarded.gained,
                    "sees": guarded.sees,
                    "family": guarded.family,
                    "unmeasured": guarded.unmeasured,
                    "tripped": guarded.tripped,
                    "value": guarded.value,
                    "least": guarded.least,
                    "most": guarded.most,
                    "blind": guarded.blind,
                },
            )
            labelled = evidence[check.calibration] if check.calibration else None
            verdict = _believed(check, verdict, sides[0], sides[1], labelled, policy)
            verdicts[check.id] = _caps(check, verdict, sides[0], sides[1], policy)
    return verdicts


def _believed(
    check: ModelCheck,
    verdict: Verdict,
    ours: Estimate,
    theirs: Estimate | None,
    calibration: Evidence | None,
    policy: Policy,
) -> Verdict:
    """Nothing passes on the word of a judge that failed its calibration, or that cannot tell such replies apart.

    The judge's own checks are decided anew here: they may not have been selected, and a waiver excuses only them.
    """
    if calibration is None or verdict.status is Status.FAIL:
        return verdict
    doubt = None
    for proof in check.proofs:
        found = decide_calibration(proof, calibration, policy)
        if doubt is None and found.status is not Status.PASS:
            word = "failed" if found.status is Status.FAIL else "did not pass"
            doubt = f"judge {check.judge} {word} its calibration ({found.reason})"
    if doubt is None and verdict.status is Status.PASS:
        refusals = judge_doubts_of(check, ours, theirs, judge_known(check.metric, calibration))
        doubt = judge_cannot(refusals) if refusals else None
    if doubt is None:
        return verdict
    seen = verdict.reason.removeprefix("cannot tell: ")
    return replace(verdict, status=Status.INCONCLUSIVE, reason=f"cannot tell: {doubt}: {seen}")


def _same_items(check: ModelCheck, ours: Evidence, theirs: Evidence) -> None:
    if ours.items(check.cells) != theirs.items(check.cells) or ours.samples != theirs.samples:
        raise EvidenceError(f"{ours.measurement} and {theirs.measurement} do not hold the same items")


def _gaps(decided: gate.Decision, ours: Estimate, theirs: Estimate | None) -> dict[str, int]:
    """Why answers are missing, on both sides together; what people have still to read is missing besides."""
    gaps = Counter(ours.gaps) + Counter(theirs.gaps if theirs else {})
    unread = decided.missing + decided.other_missing - gaps.total()
    return {**gaps, **({Gap.NOT_REVIEWED.value: unread} if unread > 0 else {})}


def _details(check: GateCheck, decided: gate.Decision) -> dict[str, object]:
    return {
        "role": "gate",
        "uncertainty": decided.sure.uncertainty,
        "confidence": decided.sure.confidence,
        "why": decided.why.value if decided.why else None,
        "p": decided.p,
        "p_outside": decided.p_below,
        "needed": decided.needed,
        "spare": decided.spare,
        "lost": decided.lost,
        "gained": decided.gained,
        "least_items": decided.least_items,
        "value": decided.value,
        "least": decided.least,
        "most": decided.most,
        "blind": decided.blind,
    }


def decide_calibration(check: CalibrationCheck, candidate: Evidence, policy: Policy) -> Verdict:
    """Whether a judge is proven to agree with people.

    Raises:
        EvidenceError: there are no labelled replies.
    """
    ours = estimate(check.metric, candidate, check.slice, check.confidence)
    shown = f"{check.metric} {_rate(ours)} ({ours.low:.3f} to {ours.high:.3f}, {ours.k} of {ours.n} as labelled)"
    if ours.low >= check.limit:
        status, sentence = Status.PASS, f"{shown}: proven >= {check.limit:g}"
    elif ours.high < check.limit:
        status, sentence = Status.FAIL, f"{shown}: below {check.limit:g}"
    else:
        status = Status.INCONCLUSIVE
        sentence = f"cannot tell: {shown}, limit {check.limit:g} inside the interval; label more replies"
    details = {"role": "gate", "uncertainty": "items", "confidence": check.confidence}
    return _hygiene(
        check, Verdict(check.id, status, sentence, estimate=ours, details=details), ours, check.model, policy
    )


def _caps(check: ModelCheck, verdict: Verdict, ours: Estimate, theirs: Estimate | None, policy: Policy) -> Verdict:
    if check.unlabelled and verdict.status is Status.PASS:
        doubt = "the judge was never held against labelled replies; add `calibration:` to it"
        reason = f"cannot pass: {doubt}. {verdict.reason}"
        verdict = replace(verdict, status=Status.INCONCLUSIVE, reason=reason)
    for side, who in ((ours, check.model), (theirs, check.versus)):
        if side is not None:
            verdict = _hygiene(check, verdict, side, who or "", policy)
    return verdict


def _hygiene(check: Check, verdict: Verdict, side: Estimate, who: str, policy: Policy) -> Verdict:
    """INCONCLUSIVE where the evidence itself is too poor, whatever the numbers say."""
    unread = side.truncated + side.no_answer
    asked, missing = side.n - side.unasked, side.missing - side.unasked
    if metric_named(check.metric).graded and unread > allowance(policy.max_no_answer, asked):
        reason = (
            f"cannot tell: {unread} of {asked} answers of {who} are cut ({side.truncated}) or unreadable "
            f"({side.no_answer}), allowed {policy.max_no_answer:.0%}; raise max_tokens or look at the answers"
        )
        return replace(verdict, status=Status.INCONCLUSIVE, reason=reason, because_missing=True)
    if side.missing == side.n and verdict.status is Status.PASS:
        # `min: 0` holds for every completion, and `max_missing: 1.0` allows all to be missing: still no evidence
        reason = f"cannot pass: not one of {side.n} responses of {who} could be used"
        return replace(verdict, status=Status.INCONCLUSIVE, reason=reason, because_missing=True)
    if missing > allowance(policy.max_missing, asked) and verdict.status is Status.PASS:
        reason = (
            f"cannot pass: {missing} of {asked} responses of {who} are missing ({causes(_asked(side.gaps))}), "
            f"allowed {policy.max_missing:.0%}"
        )
        return replace(verdict, status=Status.INCONCLUSIVE, reason=reason, because_missing=True)
    return verdict


def _asked(gaps: Mapping[str, int]) -> dict[str, int]:
    return {cause: count for cause, count in gaps.items() if cause != Gap.NOT_ASKED}


def _rate(side: Estimate) -> str:
    return span(side.value, side.least, side.most)
