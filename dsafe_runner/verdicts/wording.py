"""The sentence of a verdict: what was seen, how sure that is, and, where it cannot be told, why.

The same words stand in the terminal, JUnit and the run folder. Relative rules speak of the movement they limit: a drop
of 0.03 is positive, whatever the metric's direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from dsafe_runner.plan import GateCheck, GuardCheck
from dsafe_runner.records import Status
from dsafe_runner.statistics.paired_tests import SLACK
from dsafe_runner.verdicts.gate import Decision, Why
from dsafe_runner.verdicts.guards import Guarded
from dsafe_runner.verdicts.judge_doubts import Refusal


def gate_sentence(
    check: GateCheck,
    decided: Decision,
    refusals: Sequence[Refusal] = (),
    gaps: Mapping[str, int] = MappingProxyType({}),
) -> str:
    """The sentence of a gate. `refusals`: why its judge cannot be believed, if so; `gaps`: why answers are missing."""
    name = check.metric if check.versus is None else f"{check.metric} {check.rule} vs {check.versus}"
    low, high = _bounds(decided)
    holds, breaks = (">=", "<") if check.rule.at_least else ("<=", ">")
    shown = _shown(check, decided)
    sign = breaks if decided.status is Status.FAIL else holds
    facts = _facts(check, decided, gaps)
    if decided.sure.uncertainty == "none":
        if decided.status is not Status.INCONCLUSIVE:
            return f"{name} {shown} {sign} {check.limit:g} ({facts}){_only_because(check, decided)}"
        why = _blind(check, decided) if decided.why is Why.BLIND else _missing(decided)
        return f"cannot tell: {why}: {name} {shown}, limit {check.limit:g} ({facts})"
    bound = low if check.rule.at_least else high
    sure = f"{decided.sure.confidence:.0%} sure"
    if decided.status is Status.PASS:
        seen = f"{name} {shown} {sign} {check.limit:g}, {sure} of {holds} {_number(check, bound)} ({facts})"
        return seen + _only_because(check, decided)
    if decided.status is Status.FAIL:
        other, turned = (high, "<=") if check.rule.at_least else (low, ">=")
        return f"{name} {shown} {sign} {check.limit:g}, {sure} of {turned} {_number(check, other)} ({facts})"
    why = _why(check, decided, refusals)
    seen = f"{name} {shown}, {sure} only of {holds} {_number(check, bound)}, limit {check.limit:g}"
    return f"cannot tell: {why}: {seen} ({facts})"


def guard_sentence(check: GuardCheck, guarded: Guarded) -> str:
    """The sentence of a guard."""
    moved = span(guarded.value, guarded.least, guarded.most, "+.3f")
    what = f"{check.metric} vs {check.versus} {moved}, lost {guarded.lost}, gained {guarded.gained} of {guarded.items}"
    if check.parts:
        what += f" in {len(check.parts)} slices together ({', '.join(check.parts)})"
    family = f"all {guarded.family} guards" if guarded.family > 1 else "the one guard"
    if guarded.tripped:
        return f"{what}: more than the tripwire of {check.tripwire:g}"
    if guarded.status is Status.FAIL:
        return f"{what}: across {family} a drop this clear happens by chance {guarded.family_p:.1%} of the time"
    little = f"{check.versus} has only {guarded.loses} of {guarded.items * guarded.samples} to lose here"
    if guarded.status is Status.PASS and guarded.blind:
        return f"{what}: passes only because nothing is lost and nothing missing: {little}, too few for a proof"
    if guarded.status is Status.PASS:
        return f"{what}: no proven drop{_sees(guarded)}"
    if guarded.why is Why.BLIND:
        missing = f", and {guarded.missing} answers are missing" if guarded.missing else ""
        return f"cannot tell: {little}, so that not even the loss of them all would fail{missing}: {what}"
    unmeasured = f", {guarded.unmeasured} guards of the family were not measured" if guarded.unmeasured else ""
    return f"cannot tell: {guarded.missing} answers are missing{unmeasured}: {what} (family p {guarded.family_p:.3f})"


def _blind(check: GateCheck, decided: Decision) -> str:
    other = f"{check.versus} {decided.other_k:g} of {decided.other_n:g}"
    return f"the worst model there can be would be inside this limit ({other}), and something is lost or missing"


def _only_because(check: GateCheck, decided: Decision) -> str:
    """What a pass stands on where the limit says nothing against such a reference."""
    if not decided.blind:
        return ""
    return (
        f": the worst model there can be would be inside this limit ({check.versus} {decided.other_k:g} of "
        f"{decided.other_n:g}); passes only because nothing is lost and nothing missing"
    )


def span(value: float | None, least: float, most: float, spec: str = ".3f") -> str:
    """A value; where answers are missing, from where to where it could be."""
    return f"{least + 0.0:{spec}} to {most + 0.0:{spec}}" if value is None else f"{value + 0.0:{spec}}"


def causes(gaps: Mapping[str, int]) -> str:
    """Why answers are missing: `107 cut, 56 no verdict`; the counts add up to what is missing."""
    return ", ".join(f"{count} {cause}" for cause, count in gaps.items())


def _bounds(decided: Decision) -> tuple[float, float]:
    """The bounds as the rule speaks: of a fall or drop, how far down."""
    if decided.rule.down:
        return 0.0 - decided.high, 0.0 - decided.low
    return decided.low, decided.high


def _range(decided: Decision) -> tuple[float, float]:
    """From where to where the value could be, as the rule speaks; twice the same where nothing is missing."""
    if decided.rule.down:
        return 0.0 - decided.most, 0.0 - decided.least
    return decided.least, decided.most


def _shown(check: GateCheck, decided: Decision) -> str:
    least, most = _range(decided)
    return span(least if decided.value is not None else None, least, most, ".3f" if check.versus is None else "+.3f")


def _number(check: GateCheck, value: float) -> str:
    return f"{value:.3f}" if check.versus is None else f"{value + 0.0:+.3f}"


def _facts(check: GateCheck, decided: Decision, gaps: Mapping[str, int]) -> str:
    """The counts behind it."""
    parts = []
    if check.versus is None:
        need = decided.needed
        if need is not None:
            word = "needs" if check.rule.at_least else "allows"
            parts.append(f"{word} {need} of {decided.n}, has {decided.k}")
        elif check.reviewed:
            parts.append(f"{decided.k} of {decided.n} confirmed by people")
        else:
            corrected = ", corrected for the judge's errors" if check.calibration else ""
            parts.append(f"{decided.k} of {decided.n}{corrected}")
    else:
        if decided.sure.uncertainty == "none" and decided.other_n == decided.n:
            exact = check.limit * decided.n
            count = -int(-(exact - SLACK) // 1) if check.rule.at_least else int((exact + SLACK) // 1)
            least, most = (round(end * decided.n) for end in _range(decided))
            has = least if least == most else f"{least} to {most}"
            parts.append(f"{'needs' if check.rule.at_least else 'allows'} {count} of {decided.n}, has {has}")
        other = f"{check.versus} {decided.other_k:g} of {decided.other_n:g}"
        parts.append(f"{check.model} {decided.k} of {decided.n}, {other}")
        if decided.lost is not None:
            parts.append(f"lost {decided.lost}, gained {decided.gained}")
    if decided.samples > 1:
        parts.append(f"{decided.items} items")
    missing = decided.missing + decided.other_missing
    if missing and gaps:
        parts.append(f"missing: {causes(gaps)}")
    elif missing and decided.why is not Why.MISSING:
        parts.append(f"{missing} missing")
    return "; ".join(parts)


def _why(check: GateCheck, decided: Decision, refusals: Sequence[Refusal]) -> str:
    if decided.why is Why.NOT_CALIBRATED:
        if not refusals:
            return "the judge has no labelled replies that tell what it overlooks; add `calibration:` to it"
        return judge_cannot(refusals)
    if decided.why is Why.MISSING:
        return _missing(decided)
    if decided.why is Why.TOO_FEW:
        least = decided.least_items
        enough = f"; it takes {least}" if least else "; no number is enough"
        return f"{decided.items} items are too few to prove this limit{enough}"
    if decided.why is Why.BLIND:
        return _blind(check, decided)
    if decided.why is Why.RERUN_NOISE:
        return "how much a rerun would differ is not measured; say samples: 2 or more, or uncertainty: items or none"
    return "the limit lies inside the interval"


def judge_cannot(refusals: Sequence[Refusal]) -> str:
    """The first reason why a judge's verdicts cannot carry a check."""
    first = refusals[0]
    return f"the judge cannot carry this: {first.doubt.value} ({first.seen:.3g}, allowed {first.allowed:.3g})"


def _missing(decided: Decision) -> str:
    missing = decided.missing + decided.other_missing
    spare = f", {decided.spare} may stay so" if decided.spare is not None else ""
    return f"{missing} answers are missing{spare} and could decide it"


def _sees(guarded: Guarded) -> str:
    if guarded.sees is None:
        return " (it is too small to see any)"
    return f" (it would see one of {100 * guarded.sees:.0f} points)"
