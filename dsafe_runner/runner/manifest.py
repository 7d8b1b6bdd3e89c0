"""What a run's manifest holds: everything that can move a number, as JSON types."""

from __future__ import annotations

import time
from typing import Any

from dsafe_runner.benchmarks.base import SlowGrading, Varied
from dsafe_runner.benchmarks.choice.question import constant_scores
from dsafe_runner.benchmarks.gpqa import by_position
from dsafe_runner.plan import Measurement, Plan, checkpoint_of
from dsafe_runner.records import OVERALL, Outcome, Sample
from dsafe_runner.runner.jobs import Job
from dsafe_runner.runner.measured import Run
from dsafe_runner.runner.prepare import Prepared
from dsafe_runner.verdicts.evidence import Evidence


def manifest(plan: Plan, ready: Prepared, run: Run, started: float) -> dict[str, Any]:
    """The manifest of a run. `started`: seconds since the epoch."""
    suite = plan.loaded.suite
    return {
        "suite": {"name": suite.suite, "file": plan.loaded.path.name, "sha256": plan.loaded.sha256, "seed": suite.seed},
        "policy": suite.policy.model_dump(mode="json"),
        "started": round(started, 3),
        "seconds": round(time.time() - started, 3),
        "models": {job.model: _model(plan, job, suite.models[job.model].stage) for job in ready.jobs},
        "judges": {
            name: {**reader.judge.identity(), **(_model(plan, reader.job, "judge") if reader.job else {})}
            for name, reader in ready.judges.items()
        },
        "benchmarks": {
            name: {
                "use": suite.benchmarks[name].use,
                "data": data,
                "judge": suite.benchmarks[name].judge,
                "constants": constant_scores(_asked_once(plan, ready, name)).get(OVERALL, {}),
                "grader": opened.grader() if isinstance(opened := plan.benchmarks[name], SlowGrading) else None,
            }
            for name, data in ready.data.items()
        },
        "measurements": {
            key: {
                "sampling": {
                    "temperature": (m := plan.measurements[key]).sampling.temperature,
                    "top_p": m.sampling.top_p,
                    "max_tokens": m.sampling.max_tokens,
                    "scoring": m.sampling.scoring,
                    "samples": m.samples,
                },
                "outcomes": _counts(evidence),
                "origin": run.origins.get(key),
                **_positions(plan, ready, m, evidence),
            }
            for key, evidence in run.evidence.items()
            if key in plan.measurements
        },
        "baselines": {name: {"path": b.name, "sha256": b.sha256} for name, b in plan.baselines.items()},
        "stopped": run.stopped,
        "unavailable": run.unavailable,
        "failed": run.failed,
        "warnings": run.warnings,
    }


def _asked_once(plan: Plan, ready: Prepared, name: str) -> tuple[Sample, ...]:
    """The items as they are asked the first time: where options move, a constant answer is right elsewhere."""
    return tuple(plan.asked(name, sample, 0) for sample in ready.samples[name])


def _model(plan: Plan, job: Job, stage: str) -> dict[str, Any]:
    said = checkpoint_of(plan.loaded, job.model)
    return {
        "path": said.path,
        "revision": said.revision,
        "stage": stage,
        "identity": job.identity,
        "engine": job.described,
        "asked": len(job.pending),
        "errors": job.errors,
    }


def _positions(plan: Plan, ready: Prepared, measurement: Measurement, evidence: Evidence) -> dict[str, Any]:
    """Right answers by where the right option stood, where the options move: a model that favours a letter shows."""
    benchmark = measurement.benchmark
    if benchmark not in ready.samples or not isinstance(plan.benchmarks[benchmark], Varied):
        return {}
    items = {sample.id: sample for sample in ready.samples[benchmark]}
    scores = [score for row in evidence.scores.values() for score in row]
    return {"by_position": by_position(scores, (plan.asked(benchmark, items[s.sample_id], s.k) for s in scores))}


def _counts(evidence: Evidence) -> dict[str, int]:
    counts = {outcome.value: 0 for outcome in Outcome}
    for row in evidence.scores.values():
        for score in row:
            counts[score.outcome.value] += 1
    return counts
