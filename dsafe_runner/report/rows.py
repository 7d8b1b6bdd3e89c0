"""The numbers of a run, threshold or not: one Row per (model, benchmark, metric, slice)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.plan import CALIBRATION, Plan, calibrating, judge_subject, level, measurement_id
from dsafe_runner.records import OVERALL, Estimate
from dsafe_runner.runner.measured import Run
from dsafe_runner.verdicts.metrics import estimate
from dsafe_runner.vocabulary import ACCURACY, KAPPA, METRICS


@dataclass(frozen=True, slots=True)
class Row:
    """A metric of a model on a slice.

    level     overall, area, category or extra
    changes   stage (base, distilled) -> difference to that model of the same suite; where answers of either are
              missing, from where to where it could be: (least, most)
    """

    model: str
    stage: str
    benchmark: str
    metric: str
    slice: str
    level: str
    estimate: Estimate
    changes: dict[str, float | tuple[float, float]]


def rows_of(plan: Plan, run: Run) -> list[Row]:
    """All rows of a run, in the order benchmark, metric, slice, model."""
    suite = plan.loaded.suite
    rows = []
    for benchmark in plan.benchmarks:
        offer = plan.offer(benchmark)
        ids = {name: measurement_id(name, benchmark) for name in suite.models}
        measured = {name: run.evidence[key] for name, key in ids.items() if key in run.evidence}
        for metric, slice_name in _cells(plan, benchmark, offer):
            found = {
                name: estimate(metric, evidence, slice_name, suite.policy.confidence)
                for name, evidence in measured.items()
            }
            for name, value in found.items():
                rows.append(
                    Row(
                        name,
                        suite.models[name].stage,
                        benchmark,
                        metric,
                        slice_name,
                        level(slice_name, offer),
                        value,
                        _changes(plan, name, found),
                    )
                )
    return rows + [row for name in plan.calibrations for row in _judge_rows(plan, run, name)]


def _judge_rows(plan: Plan, run: Run, name: str) -> Iterator[Row]:
    """How a judge agreed with labelled replies: over all, and for the replies of each class (its sensitivity)."""
    evidence = run.evidence.get(calibrating(name))
    if evidence is None:
        return
    for slice_name in plan.calibrations[name].slices:
        overall = slice_name == OVERALL
        for metric in (KAPPA.name, ACCURACY.name) if overall else (ACCURACY.name,):
            value = estimate(metric, evidence, slice_name, plan.loaded.suite.policy.confidence)
            kind = OVERALL if overall else "area"
            yield Row(judge_subject(name), "judge", CALIBRATION, metric, slice_name, kind, value, {})


def _cells(plan: Plan, benchmark: str, offer: Offer) -> Iterator[tuple[str, str]]:
    """Metrics the suite asks for on a benchmark (all it offers where it asks for none), on every slice."""
    asked = {check.metric for check in plan.checks if check.benchmark == benchmark}
    # the thinking is judged only where a check asks for it
    for metric in offer.metrics:
        if metric in asked or (not asked and not METRICS[metric].thinking):
            for slice_name in offer.slices:
                yield metric, slice_name


def _changes(plan: Plan, model: str, found: dict[str, Estimate]) -> dict[str, float | tuple[float, float]]:
    """Differences to the base and the distilled model, where the suite has exactly one of that stage."""
    suite = plan.loaded.suite
    changes: dict[str, float | tuple[float, float]] = {}
    for stage in ("base", "distilled"):
        of_stage = [name for name in found if suite.models[name].stage == stage]
        if len(of_stage) == 1 and of_stage[0] != model:
            ours, theirs = found[model], found[of_stage[0]]
            if ours.value is not None and theirs.value is not None:
                changes[stage] = ours.value - theirs.value
            else:
                changes[stage] = ours.least - theirs.most, ours.most - theirs.least
    return changes
