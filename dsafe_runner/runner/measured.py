"""What a measure phase leaves behind, and the verdicts on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from dsafe_runner.errors import EvidenceError, UnavailableError
from dsafe_runner.plan import Check, Plan
from dsafe_runner.records import Status, Verdict
from dsafe_runner.verdicts.decide import decide_one
from dsafe_runner.verdicts.evidence import Evidence


@dataclass
class Run:
    """What was measured, and what could not be: measurement id -> one line why.

    stopped  model -> responses there are and all there would be, where `stop: certain` spared some
    here     models that were measured, whether or not all that is made of their responses could be
    origins  measurement id -> where its responses come from (measure.origin)
    refused  check id -> why its two sides cannot be compared
    reruns   check id -> what both sides have in common, where the reference is the candidate's own weights
    """

    evidence: dict[str, Evidence] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    stopped: dict[str, list[int]] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    here: set[str] = field(default_factory=set)
    origins: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    reruns: dict[str, str] = field(default_factory=dict)

    def gate_whole(self) -> None:
        """Make a failure of all that is absent beside a measured model: half a suite that passes is no gate."""
        if self.here and self.unavailable:
            why = f"{', '.join(sorted(self.here))} could be measured, and a suite is gated whole"
            self.failed.update({measurement: f"{reason}; {why}" for measurement, reason in self.unavailable.items()})
            self.unavailable.clear()

    def require(self, check: Check) -> None:
        """Make sure that all a check reads has been measured.

        Raises:
            EvidenceError: a measurement failed, or was never made, or the two sides cannot be compared.
            UnavailableError: something it needs is not on this machine.
        """
        if check.id in self.refused:
            raise EvidenceError(self.refused[check.id])
        for measurement in check.measurements:
            if measurement in self.failed:
                raise EvidenceError(self.failed[measurement])
            if measurement in self.unavailable:
                raise UnavailableError(self.unavailable[measurement])
            if measurement not in self.evidence:
                raise EvidenceError(f"{measurement} was not measured")

    def verdict(self, plan: Plan, check: Check) -> Verdict:
        """Decide a check whose evidence is there; a comparison of a model with itself says so."""
        verdict = decide_one(plan, check, self.evidence)
        if (label := self.reruns.get(check.id)) is None:
            return verdict
        return replace(verdict, reason=f"{verdict.reason}; {label}", details={**verdict.details, "rerun": label})


def decide(plan: Plan, run: Run, checks: Iterable[Check] | None = None) -> dict[str, Verdict]:
    """Verdicts by check id, on every check asked for (all of the plan when None).

    A check that has nothing it may be decided on is there too, INCONCLUSIVE with the reason: whoever looks at the
    values of this dict alone must not take its absence for a pass.
    """
    verdicts = {}
    for check in plan.checks if checks is None else checks:
        try:
            run.require(check)
            verdicts[check.id] = run.verdict(plan, check)
        except (EvidenceError, UnavailableError) as error:
            verdicts[check.id] = Verdict(check.id, Status.INCONCLUSIVE, str(error), because_missing=True)
    return verdicts
