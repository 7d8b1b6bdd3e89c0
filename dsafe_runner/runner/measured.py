"""What a measure phase leaves behind, and the verdicts on it."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field, replace
from typing import Any

from dsafe_runner.errors import DsafeError, EvidenceError, UnavailableError
from dsafe_runner.plan import Check, Plan, require_checks
from dsafe_runner.plan.ids import judge_subject
from dsafe_runner.plan.subjects import servers_of
from dsafe_runner.records import Status, Verdict
from dsafe_runner.verdicts.blocking import in_ci
from dsafe_runner.verdicts.decide import decide_one, settle_one
from dsafe_runner.verdicts.evidence import Evidence
from dsafe_runner.verdicts.results import Decided, Results
from dsafe_runner.verdicts.waivers import Result


@dataclass
class Run:
    """What was measured, and what could not be: measurement id -> one line why.

    stopped  model -> responses there are and all there would be, where `stop: certain` spared some
    here     models that were measured, whether or not all that is made of their responses could be
    servers  URLs whose servers were up
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
    servers: set[str] = field(default_factory=set)
    origins: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    reruns: dict[str, str] = field(default_factory=dict)

    def gate_whole(self) -> None:
        """Make a failure of all that is absent beside a measured model: half a suite that passes is no gate."""
        if self.here and self.unavailable:
            why = f"{', '.join(sorted(self.here))} could be measured, and a suite is gated whole"
            self.failed.update({measurement: f"{reason}; {why}" for measurement, reason in self.unavailable.items()})
            self.unavailable.clear()

    def fail_gone(self, plan: Plan, servers: Set[str]) -> None:
        """Make a failure of what is absent because a server that was up earlier in the session is not any more."""
        for key in list(self.unavailable):
            measurement = plan.measurements[key]
            judge = measurement.of_judge or plan.judge_of(measurement.benchmark)
            asked = [measurement.model, *([judge_subject(judge)] if judge else [])]
            if any(servers & servers_of(plan.loaded, subject) for subject in asked):
                self.failed[key] = f"{self.unavailable.pop(key)}; it answered earlier in this session, and is gone"

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

    def decide(self, plan: Plan, check: Check) -> Decided:
        """What a check counts as after waivers, where `require` finds all it reads."""
        verdict = self.verdict(plan, check)
        return Decided(check, verdict, *settle_one(plan, verdict))


def decide(plan: Plan, run: Run, checks: Iterable[Check] | None = None, *, require: bool = False) -> Results:
    """What every check asked for counts as (all of the plan when None): as pytest would decide it, waivers included.

    A check that has nothing it may be decided on is there too, as an error with the reason: its absence must not be
    taken for a pass.

    require  as `--dsafe-require`, and as in a build (CI=true): `on_inconclusive: skip` of the suite has no effect

    Raises:
        ConfigError: the suite yields no check.
        EvidenceError: the run is of another text of the suite.
    """
    require_checks(plan)
    measured_as = run.manifest.get("suite", {}).get("sha256", plan.loaded.sha256)
    if measured_as != plan.loaded.sha256:
        raise EvidenceError(f"{plan.loaded.path}: the suite was changed after it was measured; measure again")
    lenient = plan.loaded.suite.policy.on_inconclusive == "skip" and not (require or in_ci())
    chosen = plan.checks if checks is None else checks
    return Results({check.id: _decided(plan, run, check) for check in chosen}, lenient)


def _decided(plan: Plan, run: Run, check: Check) -> Decided:
    try:
        run.require(check)
        return run.decide(plan, check)
    except DsafeError as error:
        verdict = Verdict(check.id, Status.INCONCLUSIVE, str(error), because_missing=True)
        return Decided(check, verdict, Result.ERROR, str(error))
