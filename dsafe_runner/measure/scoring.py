"""Stored responses -> Evidence: benchmarks grade, judges label, and what was never answered is MISSING."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dsafe_runner.checks.evidence import Evidence, fill
from dsafe_runner.errors import JudgeError
from dsafe_runner.judges.base import Judge, ReadingJudge
from dsafe_runner.judges.registry import make_judge
from dsafe_runner.measure.store import Store
from dsafe_runner.plan import Measurement, Plan
from dsafe_runner.records import Request, Response, Sample, Score


def score_measurement(
    plan: Plan, measurement: Measurement, requests: list[Request], samples: tuple[Sample, ...], store: Store
) -> Evidence:
    """Evidence of one measurement from what the store holds."""
    by_id = {sample.id: sample for sample in samples}
    score = _scorer(plan, measurement.benchmark)
    stored = store.get({request.key for request in requests})
    scores = []
    for request in requests:
        response = stored.get(request.key)
        if response is not None:
            # two items with the same prompt share one stored response; the score belongs to this item
            own = replace(response, sample_id=request.sample_id, k=request.k)
            scores.append(replace(score(by_id[request.sample_id], own), response_key=request.key))
    slices = {sample.id: sample.slices for sample in samples}
    return fill(measurement.id, measurement.samples, slices, scores)


def judge_identity(plan: Plan, benchmark: str) -> dict[str, str]:
    """Who read the answers of a benchmark."""
    judge = plan.loaded.suite.benchmarks[benchmark].judge
    return {} if judge is None else judge_of(plan, judge).identity()


def judge_warning(plan: Plan, benchmark: str) -> str | None:
    """What must be said where the embedded rules judge reads a real model's answers; tiny/* is made for it."""
    use = plan.loaded.suite.benchmarks[benchmark]
    if use.judge is None or use.use.startswith("tiny/"):
        return None
    return judge_of(plan, use.judge).limits()


def judge_of(plan: Plan, name: str) -> Judge:
    """A judge of the suite."""
    return make_judge(plan.loaded.suite.judges[name], plan.loaded.path.parent)


def _scorer(plan: Plan, benchmark: str) -> Callable[[Sample, Response], Score]:
    judge = plan.loaded.suite.benchmarks[benchmark].judge
    if judge is None:
        return plan.benchmarks[benchmark].grade
    reader = judge_of(plan, judge)
    if not isinstance(reader, ReadingJudge):
        raise JudgeError(f"judge {judge} asks a model")
    return reader.label
