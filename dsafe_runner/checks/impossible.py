"""Limits that no result could prove, told at collection with the line and what would be possible.

A gate that can only ever be INCONCLUSIVE blocks every release, and a team that is blocked for nothing turns it off.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsafe_runner.checks.onesided import claim_of, margin_of
from dsafe_runner.checks.possible import least_items, spotless
from dsafe_runner.errors import ConfigError, Mistake
from dsafe_runner.plan import CALIBRATION, GUARD, OVERLAP, Check, Plan

_KEYS = {"min": "min", "max": "max", "drop": "max_drop", "gain": "min_gain", "rise": "max_rise", "fall": "min_fall"}


def refuse_impossible(plan: Plan) -> Plan:
    """The plan itself, if every gate of it could pass.

    Raises:
        ConfigError: all that could not, each at its line.
    """
    if mistakes := list(impossible(plan)):
        raise ConfigError(mistakes)
    return plan


def impossible(plan: Plan) -> Iterable[Mistake]:
    """A mistake per limit that is out of reach, however good the model."""
    seen: set[tuple[object, ...]] = set()
    for check in plan.checks:
        if check.rule == GUARD or check.benchmark in (CALIBRATION, OVERLAP):
            continue
        samples = plan.loaded.suite.benchmarks[check.benchmark].samples
        what = _noise(plan, check, samples) or _too_few(check, samples)
        # one limit on many slices of one size, or on several models, is one mistake
        if what and (check.where, what) not in seen:
            seen.add((check.where, what))
            todo = "raise `samples`, or say uncertainty: items" if what.startswith("uncert") else _todo(check)
            yield Mistake(*check.where, f"{check.benchmark}/{check.slice}: {what}", todo)


def _noise(plan: Plan, check: Check, samples: int) -> str | None:
    if check.uncertainty != "samples" or samples > 1 or check.versus in plan.loaded.suite.baselines:
        return None
    return "uncertainty: samples needs several responses per item to know how much a rerun differs"


def _too_few(check: Check, samples: int) -> str | None:
    if check.uncertainty != "items":
        return None
    items = check.n // samples
    margin, _ = margin_of(check.rule, check.limit)
    claim = claim_of(check.rule, samples)
    if claim.p(spotless(check.rule, items, samples), margin) <= 1.0 - check.confidence:
        return None
    least = least_items(check.rule, check.limit, check.confidence, samples)
    limit = f"{_KEYS[check.rule]}: {check.limit:g}"
    if least is None:
        return f"{limit} cannot be proven by any number of items"
    return f"{limit} needs at least {least} items to be proven at {check.confidence:.0%}; this slice has {items}"


def _todo(check: Check) -> str:
    other = "a guard" if check.versus else "uncertainty: none (this run on these items)"
    easier = "lower" if check.rule in ("min", "gain", "fall") else "raise"
    return f"{easier} the limit, or use {other}"
