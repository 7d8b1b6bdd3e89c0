"""What a check can tell, known before anything is measured: what it needs to see, and the change it finds."""

from __future__ import annotations

from dsafe_runner.plan import CalibrationCheck, Check, ContaminationCheck, GateCheck, GuardCheck, Plan
from dsafe_runner.statistics.feasibility import needed
from dsafe_runner.statistics.power import ASSUMED_FLIPS, detectable_drop, failing_rate, passing_rate
from dsafe_runner.verdicts.guards import one_of


def power_sentence(plan: Plan, check: Check) -> str:
    """One line: at 80 % power, and with the share of items that flip between two equally good models where it matters.

    That share is assumed unless the suite has measured it; docs/statistics.md says what follows from it.
    """
    match check:
        case ContaminationCheck():
            return f"{check.n} training samples"
        case CalibrationCheck():
            return f"{check.n} labelled replies"
        case GuardCheck():
            return _guarded(plan, check)
        case GateCheck():
            return _gated(plan, check)
    raise TypeError(check)


def _guarded(plan: Plan, check: GuardCheck) -> str:
    samples = plan.loaded.suite.benchmarks[check.benchmark].samples
    level = one_of(len(plan.family(check.model)), plan.loaded.suite.policy.guard_error)
    sees = detectable_drop(check.n // samples, ASSUMED_FLIPS, level, samples)
    what = "sees no drop at all" if sees is None else f"sees drops of {100 * sees:.0f} points or more"
    return f"pools {', '.join(check.parts)}: {what}" if check.parts else what


def _gated(plan: Plan, check: GateCheck) -> str:
    samples = plan.loaded.suite.benchmarks[check.benchmark].samples
    items = check.n // samples
    if not check.rule.relative:
        return _rate(check, items, samples)
    if check.uncertainty != "items":
        return f"compares {check.n} with {check.n} as they are"
    sees = detectable_drop(items, ASSUMED_FLIPS, 1.0 - check.confidence, samples, check.limit)
    what = "rises" if check.rule.turned else "falls"
    if check.rule.at_least:
        return f"{items} items, paired"
    return f"{items} items, paired; " + (
        "no change is surely found" if sees is None else f"{what} of {100 * sees:.1f} points or more are found"
    )


def _rate(check: GateCheck, items: int, samples: int) -> str:
    if check.uncertainty == "none" and not check.corrected:
        count = needed(check.rule, check.limit, check.n, uncertainty="none")
        return f"needs {count} of {check.n}" if check.rule.at_least else f"allows {count} of {check.n}"
    if check.uncertainty == "samples" and not check.corrected:
        return f"{items} items, asked again"
    count = needed(check.rule, check.limit, items, check.confidence) if samples == 1 else None
    passes = passing_rate(check.rule, check.limit, items, check.confidence)
    fails = failing_rate(check.rule, check.limit, items, check.confidence)
    word = "needs" if check.rule.at_least else "allows"
    parts = [] if count is None else [f"{word} {count} of {items}"]
    parts += [] if passes is None else [f"passes a true {passes:.3f}"]
    parts += [] if fails is None else [f"fails a true {fails:.3f}"]
    return ", ".join(parts)
