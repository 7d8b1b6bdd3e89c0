"""The verdict on a check and what it counts as: the same path for pytest items and a notebook."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace

from dsafe_runner.errors import EvidenceError
from dsafe_runner.plan import CalibrationCheck, Check, ContaminationCheck, GateCheck, GuardCheck, Plan
from dsafe_runner.plan.baseline import Baseline
from dsafe_runner.plan.published import Published
from dsafe_runner.records import Estimate, Status, Verdict
from dsafe_runner.verdicts.evidence import Evidence
from dsafe_runner.verdicts.overlap import overlap_verdict
from dsafe_runner.verdicts.rules import decide_calibration, decide_check, decide_guards
from dsafe_runner.verdicts.waivers import Result, settle
from dsafe_runner.vocabulary import Rule

_NEAR, _FAR = 0.02, 0.10
"""Distance to the worst value there can be: of an excuse that covers everything, of a value that has no need of it."""


def decide_one(plan: Plan, check: Check, evidence: Mapping[str, Evidence]) -> Verdict:
    """The verdict on one check; of a waived failure also how it stands to what the waiver excuses.

    Raises:
        EvidenceError: the slice is empty or a side is absent.
        KeyError: a measurement the check needs was not measured; callers look that up first.
    """
    verdict = _decided(plan, check, evidence)
    index = plan.waived.get(check.id)
    value = None if index is None else plan.loaded.suite.waivers[index].value_of(check.id)
    if value is None or verdict.status is not Status.FAIL:
        return verdict
    # the check once more, with what is excused in place of its limit: the same test, at the same confidence
    excused = check.excusing(value)
    again = _decided(plan, excused, evidence)
    # an excuse of the worst there can be covers everything, so it must be what is seen
    other = _known(verdict.reference)
    seen = verdict.details.get("value")
    if seen is None and (ours := _known(verdict.estimate)) is not None:
        # answers are missing: what is there has to do
        seen = ours - (other or 0.0)
    ends = [_above_worst(excused.rule, rate, other) for rate in (value, value if seen is None else seen)]
    worst = not check.counts and ends[0] < _NEAR and ends[1] > _FAR
    excuse = {"value": value, "stands": again.status.value, "open": again.because_missing, "worst": worst}
    return replace(verdict, details={**verdict.details, "excuse": excuse})


def _known(side: Estimate | None) -> float | None:
    """The rate of the answers that are there."""
    return side.k / (side.n - side.missing) if side is not None and side.n > side.missing else None


def _above_worst(rule: Rule, value: float, reference: float | None) -> float:
    """How far a value is from the worst there can be: nothing right, or everything wrong."""
    start = reference or 0.0
    return 1.0 - start - value if rule.turned else value + start


def _decided(plan: Plan, check: Check, evidence: Mapping[str, Evidence]) -> Verdict:
    policy = plan.loaded.suite.policy
    match check:
        case ContaminationCheck():
            return overlap_verdict(check, evidence[check.own])
        case CalibrationCheck():
            return decide_calibration(check, evidence[check.own], policy)
        case GuardCheck():
            return _guard(plan, check, evidence)
        case GateCheck():
            return _gate(plan, check, evidence)
    raise TypeError(check)


def _guard(plan: Plan, check: GuardCheck, evidence: Mapping[str, Evidence]) -> Verdict:
    candidate = evidence[check.own]
    family = plan.family(check.model)
    measured = tuple(m for member in family for m in (member.own, member.other or "") if m in evidence)
    known = ("guards", check.model, *measured)
    if known not in candidate.memo:
        candidate.memo[known] = decide_guards(family, evidence, plan.loaded.suite.policy)
    found: Verdict = candidate.memo[known][check.id]
    return found


def _gate(plan: Plan, check: GateCheck, evidence: Mapping[str, Evidence]) -> Verdict:
    policy = plan.loaded.suite.policy
    candidate = evidence[check.own]
    judged = evidence[check.calibration] if check.calibration else None
    baseline = plan.baselines.get(check.versus or "")
    if isinstance(baseline, Published):
        return decide_check(check, candidate, _counts(plan, check, baseline), policy, calibration=judged)
    reference = evidence[check.other] if check.other else None
    flips = rerun_flips(baseline, check) if baseline is not None else None
    return decide_check(check, candidate, reference, policy, flips, judged)


def _counts(plan: Plan, check: GateCheck, published: Published) -> tuple[float, float]:
    use = plan.loaded.suite.benchmarks[check.benchmark].use
    counts = published.counts.get(use, {}).get(check.metric, {}).get(check.slice)
    if counts is None:
        raise EvidenceError(f"{published.name} has no {check.metric} on {check.slice} of {use}")
    # several answers to an item count as one with their mean, as on the other side
    samples = published.samples(use)
    return counts[0] / samples, counts[1] / samples


def rerun_flips(baseline: Baseline, check: Check) -> float | None:
    """Share of items on which two runs of a stored baseline differ in a metric, where that was measured."""
    noise = (baseline.benchmarks.get(check.benchmark, {}).get("noise") or {}).get(check.metric)
    return noise[0] / noise[1] if noise and noise[1] else None


def settle_one(plan: Plan, verdict: Verdict, today: datetime.date | None = None) -> tuple[Result, str]:
    """What a verdict counts as after waivers."""
    index = plan.waived.get(verdict.check_id)
    waiver = plan.loaded.suite.waivers[index] if index is not None else None
    return settle(verdict, waiver, today or datetime.date.today())
