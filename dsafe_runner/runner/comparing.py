"""Whether the two sides of a check may be compared: made alike, and not one and the same.

A comparison of a set of responses with itself passes whatever the model does, so it is refused, wherever the second
copy comes from: a baseline saved from the candidate's own run, one log under two names, one model under two names. Two
runs of the same weights are something else: they show the noise between runs, and are labelled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dsafe_runner.errors import EvidenceError
from dsafe_runner.plan import Check, Plan, checkpoint_of, measurement_id
from dsafe_runner.plan.baseline import Baseline
from dsafe_runner.plan.published import Published
from dsafe_runner.runner.baseline import differences, differences_from_published, part_of, score_of
from dsafe_runner.runner.jobs import Job
from dsafe_runner.runner.measured import Run
from dsafe_runner.runner.origin import one_model, same_responses
from dsafe_runner.verdicts.evidence import Evidence, fill

_OTHER = "compare with another model, or with a baseline of another run"


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a comparison: the model's identity, what the suite calls its version, its servers."""

    identity: dict[str, Any]
    revision: str | None
    urls: frozenset[str]


def compare_sides(plan: Plan, checks: Iterable[Check], run: Run, jobs: Iterable[Job]) -> None:
    """Look at every check that compares: put stored baselines beside what was measured, refuse what shows nothing.

    Goes by check, not by measurement: one baseline may fit the first of two candidates and not the second.
    """
    by_model = {job.model: job for job in jobs}
    for check in checks:
        job = by_model.get(check.model)
        if check.versus is None or job is None or check.own not in run.evidence:
            continue
        try:
            label = _compared(plan, check, run, job, by_model)
        except EvidenceError as error:
            run.refused[check.id] = str(error)
        else:
            if label is not None:
                run.reruns[check.id] = label


def _compared(plan: Plan, check: Check, run: Run, job: Job, jobs: dict[str, Job]) -> str | None:
    """What to say where both sides are of the same weights. Raises EvidenceError where they cannot be compared."""
    baseline = plan.baselines.get(check.versus or "")
    if isinstance(baseline, Baseline):
        return _with_stored(plan, baseline, check, run, job)
    if isinstance(baseline, Published):
        _fits_published(plan, baseline, check, run)
        return None
    other = jobs.get(check.versus or "")
    return _with_model(plan, check, run, job, other) if other is not None and check.other in run.evidence else None


def _with_model(plan: Plan, check: Check, run: Run, job: Job, other: Job) -> str | None:
    ours, theirs = _side(plan, job), _side(plan, other)
    origins = (run.origins[check.own], run.origins[check.other or ""])
    why = same_responses(*origins, (ours.identity, theirs.identity), (ours.revision, theirs.revision))
    differing = one_model(ours.identity, theirs.identity, (set(ours.urls), set(theirs.urls)))
    if why is not None or differing == []:
        why = f": {why}" if why else ""
        what = f"{check.model} and {check.versus} are one model under two names{why}"
        raise EvidenceError(f"{what}; comparing them shows nothing; {_OTHER}{_hint(why)}")
    return f"{check.versus} is the same weights, asked otherwise: {'; '.join(differing)}" if differing else None


def _with_stored(plan: Plan, baseline: Baseline, check: Check, run: Run, job: Job) -> str | None:
    stored = baseline.benchmarks.get(check.benchmark)
    if stored is None:
        raise EvidenceError(f"{baseline.name} has nothing on {check.benchmark}; save it again from a run that has")
    now = part_of(run.manifest, check.model, check.benchmark)
    if differing := list(differences(stored, now)):
        raise EvidenceError(f"{baseline.name} does not fit this run: {'; '.join(differing)}; save it again")
    ours = _side(plan, job)
    identities = (baseline.identity, ours.identity)
    revisions = (baseline.revision, ours.revision)
    if why := same_responses(stored["origin"], run.origins[check.own], identities, revisions):
        what = f"{baseline.name} was made of the responses it is compared with: {why}"
        raise EvidenceError(f"{what}; comparing them shows nothing; {_OTHER}{_hint(why)}")
    if check.other not in run.evidence:
        run.evidence[check.other or ""] = _evidence(baseline, stored, check, run)
    servers = baseline.identity.get("servers")
    then = set(servers.get("urls", ())) if isinstance(servers, dict) else set()
    if one_model(*identities, (then, set(ours.urls))) is None:
        return None
    if ours.identity.get("backend") == "openai":
        # of a server only the name is known, and other weights may stand behind it today
        return f"{check.versus} is the same served model, asked before: unless its weights changed, this shows noise"
    return f"{check.versus} is a rerun of the same weights: what differs is noise between runs"


def _hint(why: str) -> str:
    return "; two models that answer alike are told apart by `revision:`" if "texts" in why else ""


def _fits_published(plan: Plan, published: Published, check: Check, run: Run) -> None:
    use = plan.loaded.suite.benchmarks[check.benchmark].use
    now = part_of(run.manifest, check.model, check.benchmark)
    if differing := list(differences_from_published(published.made.get(use, {}), now)):
        what = f"{published.name} does not fit this run: {'; '.join(differing)}"
        raise EvidenceError(f"{what}; ask as the table did, or compare with something else")


def _side(plan: Plan, job: Job) -> _Side:
    revision = checkpoint_of(plan.loaded, job.model).revision
    return _Side(job.identity, revision, frozenset(job.fields[1].get("base_urls", ())))


def _evidence(baseline: Baseline, stored: dict[str, Any], check: Check, run: Run) -> Evidence:
    own = run.evidence[check.own]
    outcomes = stored["outcomes"]
    if set(outcomes) != set(own.scores) or any(len(codes) != own.samples for codes in outcomes.values()):
        raise EvidenceError(f"{baseline.name} does not hold the items of {check.benchmark}; save it again")
    scores = [score_of(item, k, code) for item in own.scores for k, code in enumerate(outcomes[item])]
    return fill(measurement_id(check.versus or "", check.benchmark), own.samples, own.slices, scores, copies=own.copies)
