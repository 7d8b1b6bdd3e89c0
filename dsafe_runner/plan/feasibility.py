"""Limits that no result could prove, told at collection with the line and what would be possible.

A gate that can only ever be INCONCLUSIVE blocks every release, and a team that is blocked for nothing turns it off.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsafe_runner.errors import ConfigError, Mistake
from dsafe_runner.plan.checks import GateCheck, GuardCheck
from dsafe_runner.plan.pool import least_guarded, too_small
from dsafe_runner.plan.shape import Plan
from dsafe_runner.statistics.feasibility import least_items, spotless
from dsafe_runner.statistics.paired_tests import claim_of


def require_feasible(plan: Plan) -> Plan:
    """The plan itself, if every gate of it could pass.

    Raises:
        ConfigError: all that could not, each at its line.
    """
    if mistakes := list(impossible(plan)):
        raise ConfigError(mistakes)
    return plan


def require_checks(plan: Plan) -> Plan:
    """The plan itself, if there is anything to decide.

    Raises:
        ConfigError: the suite yields no check, and nothing may pass for a gate that decides nothing.
    """
    if not plan.checks:
        raise ConfigError([Mistake(plan.loaded.where()[0], 1, 1, "this suite yields no check", "add thresholds")])
    return plan


def impossible(plan: Plan) -> Iterable[Mistake]:
    """A mistake per limit that is out of reach, however good the model."""
    seen: set[tuple[object, ...]] = set()
    for check in plan.checks:
        if isinstance(check, GuardCheck):
            yield from _blind(plan, check)
        if not isinstance(check, GateCheck):
            continue
        samples = plan.loaded.suite.benchmarks[check.benchmark].samples
        what = _noise(plan, check, samples) or _too_few(check, samples)
        # one limit on many slices of one size, or on several models, is one mistake
        if what and (check.where, what) not in seen:
            seen.add((check.where, what))
            todo = "raise `samples`, or say uncertainty: items" if what.startswith("uncert") else _todo(check)
            yield Mistake(*check.where, f"{check.benchmark}/{check.slice}: {what}", todo)


def _blind(plan: Plan, check: GuardCheck) -> Iterable[Mistake]:
    """A guard that no answers of the candidate could fail."""
    items = check.n // plan.loaded.suite.benchmarks[check.benchmark].samples
    family = len(plan.family(check.model))
    least = least_guarded(family, plan.loaded.suite.policy.guard_error)
    if too_small(check, items, least):
        among = "alone" if family == 1 else f"among the {family} guards of {check.model}"
        what = (
            f"{check.benchmark}/{check.slice}: a guard on {items} items could not fail if all were lost: {among} it "
            f"takes at least {least}"
        )
        yield Mistake(*check.where, what, "ask more items, add a `tripwire`, or write `pool: area`")


def _noise(plan: Plan, check: GateCheck, samples: int) -> str | None:
    if check.uncertainty != "samples" or samples > 1 or check.versus in plan.loaded.suite.baselines:
        return None
    return "uncertainty: samples needs several responses per item to know how much a rerun differs"


def _too_few(check: GateCheck, samples: int) -> str | None:
    if check.uncertainty != "items":
        return None
    items = check.n // samples
    claim = claim_of(check.rule, samples)
    if claim.p(spotless(check.rule, items, samples), check.rule.margin(check.limit)) <= 1.0 - check.confidence:
        return None
    least = least_items(check.rule, check.limit, check.confidence, samples)
    limit = f"{check.rule.key}: {check.limit:g}"
    if least is None:
        return f"{limit} cannot be proven by any number of items"
    return f"{limit} needs at least {least} items to be proven at {check.confidence:.0%}; this slice has {items}"


def _todo(check: GateCheck) -> str:
    other = "a guard" if check.versus else "uncertainty: none (this run on these items)"
    easier = "lower" if check.rule.at_least else "raise"
    return f"{easier} the limit, or use {other}"
