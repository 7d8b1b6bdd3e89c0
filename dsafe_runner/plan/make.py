"""Suite + what the benchmarks offer -> Plan: every check with its id and its place, or every mistake at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dsafe_runner.benchmarks.base import Benchmark, Offer
from dsafe_runner.benchmarks.registry import open_benchmark
from dsafe_runner.errors import ConfigError, DataError, Mistake, UnavailableError
from dsafe_runner.judges.base import Judge
from dsafe_runner.judges.sheet import SheetJudge
from dsafe_runner.plan.baseline import Baseline, load_baseline
from dsafe_runner.plan.calibration import (
    calibrated,
    calibration_checks,
    calibration_measurement,
    nobody_has_labelled,
    open_calibrations,
)
from dsafe_runner.plan.checks import Check, GateCheck, GuardCheck, ModelCheck
from dsafe_runner.plan.compatibility import incompatibilities
from dsafe_runner.plan.coverage import uncovered
from dsafe_runner.plan.feasibility import require_feasible
from dsafe_runner.plan.judges import make_judge
from dsafe_runner.plan.overlap import overlap_checks, overlap_measurements
from dsafe_runner.plan.pool import pooled
from dsafe_runner.plan.published import PAPER, Published, load_published
from dsafe_runner.plan.shape import Measurement, Plan, level
from dsafe_runner.plan.subjects import default_sampling, resolve
from dsafe_runner.plan.waived import waived_checks
from dsafe_runner.records import OVERALL, Sampling
from dsafe_runner.suite.spec import BenchmarkUse, LoadedSuite, Threshold
from dsafe_runner.vocabulary import LIMITS, Rule


def make_plan(loaded: LoadedSuite, unread: list[Mistake] | None = None) -> Plan:
    """Checks and measurements of a suite, every one of which could pass: the one way from a suite to a gate.

    unread  as of `outline`

    Raises:
        ConfigError: all mistakes at once, as of `outline`; where there are none, all limits that no result could prove.
    """
    return require_feasible(outline(loaded, unread))


def outline(loaded: LoadedSuite, unread: list[Mistake] | None = None) -> Plan:
    """Checks and measurements of a suite, whether or not its limits can be proven: for what decides nothing.

    unread  takes the mistakes in baselines, which then are none of the suite's: for measuring alone, so that what a
            baseline is made anew of can be measured

    Raises:
        ConfigError: all mistakes at once: unknown slices, duplicate checks, waivers that match nothing, and a
            `custom` benchmark whose file is absent or broken, several responses per item of a greedy model, judges
            and engines that cannot do what is asked of them.
    """
    suite = loaded.suite
    mistakes: list[Mistake] = []
    benchmarks = {
        name: opened for name, use in suite.benchmarks.items() if (opened := _open(loaded, name, use, mistakes))
    }
    judges = {name: judge for name in suite.judges if (judge := _judge(loaded, name, mistakes))}
    calibrations = open_calibrations(loaded, mistakes)
    baselines = _baselines(loaded, mistakes if unread is None else unread)
    proofs = list(calibration_checks(loaded, calibrations))
    asked: dict[str, ModelCheck] = {}
    for index, threshold in enumerate(suite.thresholds):
        if threshold.benchmark not in benchmarks:
            continue
        offer = benchmarks[threshold.benchmark].offer
        published = isinstance(baselines.get(threshold.versus or ""), Published)
        use = suite.benchmarks[threshold.benchmark]
        own = tuple(proof for proof in proofs if proof.judge == use.judge)
        for made in _checks(loaded, index, threshold, offer, published, mistakes):
            check = replace(
                made,
                judge=use.judge or "",
                calibrated=calibrated(use.judge, suite),
                proofs=own,
                unlabelled=nobody_has_labelled(use, suite),
            )
            if check.id in asked:
                file, line, _ = asked[check.id].where
                twice = f"check {check.id} stands twice (first at {file}:{line})"
                mistakes.append(Mistake(*check.where, twice, "drop one"))
            else:
                asked[check.id] = check
    asked = pooled(loaded, asked, benchmarks, mistakes)
    mistakes += incompatibilities(loaded, list(asked.values()), judges)
    left_out = list(uncovered(loaded, benchmarks))
    mistakes += [what for what, too_much in left_out if too_much]
    miscounted = dict.fromkeys(_miscounted(loaded, asked.values(), baselines))
    (mistakes if unread is None else unread).extend(miscounted)
    pairs = {(m, check.benchmark) for check in asked.values() for m in (check.model, check.versus) if m in suite.models}
    pairs |= {(model, name) for name, use in suite.benchmarks.items() for model in suite.models if use.report}
    checks: dict[str, Check] = {
        check.id: check for check in (*asked.values(), *proofs, *overlap_checks(loaded, mistakes))
    }
    waived = waived_checks(loaded, checks, mistakes)
    measurements = [
        _measurement(loaded, model, benchmark, benchmarks[benchmark].offer)
        for model in suite.models
        for benchmark in suite.benchmarks
        if (model, benchmark) in pairs and benchmark in benchmarks
    ]
    mistakes += _repeated(loaded, measurements)
    if mistakes:
        raise ConfigError(mistakes)
    measurements += [calibration_measurement(loaded, name, judges[name]) for name in calibrations]
    measurements += overlap_measurements(loaded)
    return Plan(
        loaded,
        tuple(checks.values()),
        {m.id: m for m in measurements},
        benchmarks,
        judges,
        calibrations,
        baselines,
        waived,
        tuple(str(what) for what, _ in left_out),
    )


def _baselines(loaded: LoadedSuite, mistakes: list[Mistake]) -> dict[str, Baseline | Published]:
    found: dict[str, Baseline | Published] = {}
    for name, spec in loaded.suite.baselines.items():
        try:
            if spec.path.startswith(PAPER):
                found[name] = load_published(spec.path)
            else:
                found[name] = load_baseline(resolve(loaded.path.parent, spec.path))
        except (DataError, UnavailableError) as error:
            mistakes.append(Mistake(*loaded.where("baselines", name, "path"), str(error)))
    return found


def _miscounted(
    loaded: LoadedSuite, checks: Iterable[Check], baselines: Mapping[str, Baseline | Published]
) -> Iterable[Mistake]:
    """Published counts that are not over the items they are compared on: then they are of something else."""
    for check in checks:
        published = baselines.get(check.versus or "")
        if isinstance(published, Published):
            use = loaded.suite.benchmarks[check.benchmark]
            what = published.mismatch(use.use, check.metric, check.slice, check.n // use.samples)
            if what is not None:
                at = loaded.where("baselines", check.versus or "", "path")
                yield Mistake(*at, what, "correct the counts, or compare on the data they are of")


def _judge(loaded: LoadedSuite, name: str, mistakes: list[Mistake]) -> Judge | None:
    spec = loaded.suite.judges[name]
    try:
        if sheet := getattr(spec, "review", None):
            # read for its mistakes: hours of generation must not end at a typing error in it
            SheetJudge(resolve(loaded.path.parent, sheet))
        return make_judge(spec, loaded.path.parent)
    except ConfigError as error:
        # a template by name that does not exist is a mistake of the suite, one in a template's file is that file's
        at = loaded.where("judges", name, "template")
        mistakes.extend(m if Path(m.path).is_file() else Mistake(*at, m.what, m.todo) for m in error.mistakes)
    except UnavailableError as error:
        mistakes.append(Mistake(*loaded.where("judges", name, "template"), str(error)))
    return None


def _open(loaded: LoadedSuite, name: str, use: BenchmarkUse, mistakes: list[Mistake]) -> Benchmark | None:
    path = resolve(loaded.path.parent, use.path) if use.path else None
    key = use.key
    if key and ("/" in key or key.endswith(".tsv")):
        key = str(resolve(loaded.path.parent, key))
    try:
        return open_benchmark(
            use.use,
            key=key,
            path=path,
            system_turn=use.system_turn,
            draw=use.draw,
            draw_seed=use.draw_seed,
            window=(use.window.since, use.window.until) if use.window else None,
        )
    except (DataError, UnavailableError) as error:
        at = "path" if use.path else "key" if use.key else "window" if use.window else "use"
        mistakes.extend(Mistake(*loaded.where("benchmarks", name, at), line) for line in str(error).splitlines())
        return None


def _checks(
    loaded: LoadedSuite, index: int, threshold: Threshold, offer: Offer, published: bool, mistakes: list[Mistake]
) -> Iterable[ModelCheck]:
    suite = loaded.suite
    models = [threshold.model] if isinstance(threshold.model, str) else threshold.model
    samples = suite.benchmarks[threshold.benchmark].samples
    for slice_name in _slices(loaded, index, threshold, offer, mistakes):
        n = offer.slices.get(slice_name, 0) * samples
        if n == 0:
            at = loaded.where("thresholds", index, "slices")
            mistakes.append(Mistake(*at, f"slice {slice_name!r} of {offer.name} has no items", "remove it"))
            continue
        for model in models:
            yield from _of_model(loaded, index, threshold, model, slice_name, n, published)


def _of_model(
    loaded: LoadedSuite, index: int, threshold: Threshold, model: str, slice_name: str, n: int, published: bool
) -> Iterable[ModelCheck]:
    """The guard that a threshold asks for, or a gate for each of its limits."""
    policy = loaded.suite.policy
    what: dict[str, Any] = {
        "model": model,
        "benchmark": threshold.benchmark,
        "slice": slice_name,
        "metric": threshold.metric,
        "n": n,
        "reviewed": threshold.review is not None,
    }
    if threshold.role == "guard":
        yield GuardCheck(
            **what,
            versus=threshold.versus,
            published=published,
            where=loaded.where("thresholds", index, Rule.GUARD.key),
            confidence=threshold.confidence or 1.0 - policy.guard_error,
            tripwire=threshold.tripwire,
            pool=threshold.pool is not None,
        )
        return
    for rule in LIMITS:
        limit = getattr(threshold, rule.key)
        if limit is not None:
            yield GateCheck(
                **what,
                rule=rule,
                limit=float(limit),
                versus=threshold.versus if rule.relative else None,
                published=published and rule.relative,
                where=loaded.where("thresholds", index, rule.key),
                confidence=threshold.confidence or policy.confidence,
                uncertainty=threshold.uncertainty or policy.uncertainty,
            )


def _slices(loaded: LoadedSuite, index: int, threshold: Threshold, offer: Offer, mistakes: list[Mistake]) -> list[str]:
    if threshold.slices is not None:
        return list(threshold.slices)
    if threshold.per is None:
        return [OVERALL]
    chosen = [name for name in offer.slices if level(name, offer) in threshold.per]
    if not chosen:
        at = loaded.where("thresholds", index, "per")
        what = f"{offer.name} has no slice of level {', '.join(threshold.per)}"
        mistakes.append(Mistake(*at, what, "leave `per` out"))
    return chosen


def _measurement(loaded: LoadedSuite, model_name: str, benchmark: str, offer: Offer) -> Measurement:
    use = loaded.suite.benchmarks[benchmark]
    reasoning = loaded.suite.models[model_name].thinks
    said = use.sampling
    default_temperature, default_top_p = default_sampling(reasoning)
    temperature = default_temperature if said.temperature is None else said.temperature
    top_p = said.top_p if said.top_p is not None else (default_top_p if temperature else 1.0)
    max_tokens = offer.max_tokens[int(reasoning)] if said.max_tokens is None else said.max_tokens
    return Measurement(model_name, benchmark, Sampling(temperature, top_p, max_tokens, use.scoring), use.samples)


def _repeated(loaded: LoadedSuite, measurements: Iterable[Measurement]) -> Iterable[Mistake]:
    """`samples` of a model that is greedy because nothing was said: as many times one response, counted as evidence."""
    for m in measurements:
        if m.samples > 1 and m.sampling.temperature == 0 and m.sampling.scoring == "generate":
            at = loaded.where("benchmarks", m.benchmark, "samples")
            what = f"samples: {m.samples}, but {m.model} is greedy unless told otherwise, so all of them are the same"
            yield Mistake(*at, what, "remove samples, or add a temperature to `sampling`")
