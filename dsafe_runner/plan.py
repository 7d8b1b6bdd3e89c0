"""Suite + what the benchmarks offer -> the Checks to decide and the Measurements they need.

No model is touched, and no data but the file of a `custom` benchmark, which alone says what it offers.
A Measurement is one (model, benchmark) pair with its sampling; every check on that pair reads the same responses.
Ids are stable: they hold names of the suite only, never an index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from dsafe_runner.benchmarks.base import Benchmark, Offer
from dsafe_runner.benchmarks.registry import open_benchmark
from dsafe_runner.errors import ConfigError, DataError, Mistake, UnavailableError
from dsafe_runner.records import OVERALL, Sampling
from dsafe_runner.suite.names import level_of
from dsafe_runner.suite.spec import BenchmarkUse, Checkpoint, LlmJudge, LoadedSuite, Threshold

RULES: dict[str, str] = {
    "min": "min", "max": "max", "max_drop": "drop", "min_gain": "gain", "max_rise": "rise", "min_fall": "fall",
}
"""Threshold key -> rule name. Rules after `max` compare with `versus`."""

JUDGE = "judge."
"""What the name of a judge starts with where it stands beside the models."""

_SAMPLING_REASONING = (0.6, 0.95)
"""Temperature and top_p recommended for DeepSeek-R1 and its distilled models (README of deepseek-ai/DeepSeek-R1)."""


def measurement_id(model: str, benchmark: str) -> str:
    """`<model>::<benchmark>`, unique in a suite."""
    return f"{model}::{benchmark}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """All responses of one model to one benchmark: `samples` responses to every item."""

    model: str
    benchmark: str
    sampling: Sampling
    samples: int

    @property
    def id(self) -> str:
        """`<model>::<benchmark>`, unique in a suite."""
        return measurement_id(self.model, self.benchmark)


@dataclass(frozen=True, slots=True)
class Check:
    """One decision: a metric of a model on a slice of a benchmark, held against a limit.

    n      items of the slice times responses per item
    where  file, line and column of the limit in the suite
    """

    model: str
    benchmark: str
    slice: str
    metric: str
    rule: str
    limit: float
    versus: str | None
    n: int
    where: tuple[str, int, int]

    @property
    def rule_id(self) -> str:
        """`<metric>-<rule>` or `<metric>-<rule>.vs.<model>`; `pass@1` becomes `pass-at-1`: `@` breaks `pytest -k`."""
        vs = f".vs.{self.versus}" if self.versus else ""
        return f"{self.metric.replace('@', '-at-')}-{self.rule}{vs}"

    @property
    def name(self) -> str:
        """The part of the id below the model: `<benchmark>/<slice>[<metric>-<rule>]`."""
        return f"{self.benchmark}/{self.slice}[{self.rule_id}]"

    @property
    def id(self) -> str:
        """`<model>::<benchmark>/<slice>[<metric>-<rule>]`, unique in a suite."""
        return f"{self.model}::{self.name}"

    @property
    def measurements(self) -> tuple[str, ...]:
        """Ids of the measurements it reads: the candidate's, then the reference's."""
        sides = (self.model, self.versus) if self.versus else (self.model,)
        return tuple(measurement_id(model, self.benchmark) for model in sides)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a suite asks for. `waived` maps a check id to the index of its waiver."""

    loaded: LoadedSuite
    checks: tuple[Check, ...]
    measurements: dict[str, Measurement]
    benchmarks: dict[str, Benchmark]
    waived: dict[str, int] = field(default_factory=dict)

    def offer(self, benchmark: str) -> Offer:
        """The offer behind a benchmark name of this suite."""
        return self.benchmarks[benchmark].offer

    def needed(self, checks: Iterable[Check]) -> dict[str, Measurement]:
        """The measurements some checks read, in suite order."""
        wanted = {m for check in checks for m in check.measurements}
        return {key: value for key, value in self.measurements.items() if key in wanted}


def make_plan(loaded: LoadedSuite) -> Plan:
    """Checks and measurements of a suite.

    Raises:
        ConfigError: all mistakes at once: unknown slices, duplicate checks, waivers that match nothing, and a
            `custom` benchmark whose file is absent or broken, and several responses per item of a greedy model.
    """
    suite = loaded.suite
    mistakes: list[Mistake] = []
    benchmarks = {
        name: opened for name, use in suite.benchmarks.items() if (opened := _open(loaded, name, use, mistakes))
    }
    checks: dict[str, Check] = {}
    for index, threshold in enumerate(suite.thresholds):
        if threshold.benchmark not in benchmarks:
            continue
        offer = benchmarks[threshold.benchmark].offer
        for check in _checks(loaded, index, threshold, offer, mistakes):
            if check.id in checks:
                file, line, _ = checks[check.id].where
                twice = f"check {check.id} stands twice (first at {file}:{line})"
                mistakes.append(Mistake(*check.where, twice, "drop one"))
            else:
                checks[check.id] = check
    waived = _waivers(loaded, checks, mistakes)
    pairs = {(m, check.benchmark) for check in checks.values() for m in (check.model, check.versus) if m}
    measurements = [
        _measurement(loaded, model, benchmark, benchmarks[benchmark].offer)
        for model in suite.models for benchmark in suite.benchmarks if (model, benchmark) in pairs
    ]
    mistakes += _repeated(loaded, measurements)
    if mistakes:
        raise ConfigError(mistakes)
    return Plan(loaded, tuple(checks.values()), {m.id: m for m in measurements}, benchmarks, waived)


def _open(loaded: LoadedSuite, name: str, use: BenchmarkUse, mistakes: list[Mistake]) -> Benchmark | None:
    path = resolve(loaded.path.parent, use.path) if use.path else None
    key = use.key
    if key and ("/" in key or key.endswith(".tsv")):
        key = str(resolve(loaded.path.parent, key))
    try:
        return open_benchmark(use.use, key=key, path=path)
    except (DataError, UnavailableError) as error:
        at = "path" if use.path else "key" if use.key else "use"
        mistakes.extend(
            Mistake(*loaded.where("benchmarks", name, at), line) for line in str(error).splitlines()
        )
        return None


def resolve(folder: Path, text: str) -> Path:
    """A path of the suite, relative to the suite's folder, `~` expanded."""
    return (folder / Path(text).expanduser()).resolve()


def checkpoint_of(loaded: LoadedSuite, name: str) -> Checkpoint:
    """A model of the suite, or the one that an LLM judge asks (`judge.<name>`)."""
    if name in loaded.suite.models:
        return loaded.suite.models[name]
    judge = loaded.suite.judges[name.removeprefix(JUDGE)]
    if not isinstance(judge, LlmJudge):
        raise KeyError(name)
    return judge


def engine_fields(loaded: LoadedSuite, name: str, engine: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Model and engine as the engines want them: fields of the suite, the path resolved for the backend.

    engine  the name of another engine of the suite to run the model on
    """
    checkpoint = checkpoint_of(loaded, name)
    spec = loaded.suite.engines[engine or checkpoint.engine]
    path = checkpoint.path
    # a served model is called what its server calls it, even where that looks like a folder
    if spec.backend == "replay" or (spec.backend != "openai" and path.startswith((".", "/", "~"))):
        path = str(resolve(loaded.path.parent, path))
    model = {key: value for key, value in checkpoint.model_dump(mode="json").items() if key in Checkpoint.model_fields}
    return {**model, "name": name, "path": path}, spec.model_dump(mode="json")


def _checks(
    loaded: LoadedSuite, index: int, threshold: Threshold, offer: Offer, mistakes: list[Mistake]
) -> Iterable[Check]:
    suite = loaded.suite
    models = [threshold.model] if isinstance(threshold.model, str) else threshold.model
    samples = suite.benchmarks[threshold.benchmark].samples
    limits = [(key, value) for key in RULES if (value := getattr(threshold, key)) is not None]
    for slice_name in _slices(loaded, index, threshold, offer, mistakes):
        n = offer.slices.get(slice_name, 0) * samples
        if n == 0:
            at = loaded.where("thresholds", index, "slices")
            mistakes.append(Mistake(*at, f"slice {slice_name!r} of {offer.name} has no items", "remove it"))
            continue
        for model in models:
            for key, limit in limits:
                yield Check(
                    model=model, benchmark=threshold.benchmark, slice=slice_name, metric=threshold.metric,
                    rule=RULES[key], limit=float(limit), versus=None if key in ("min", "max") else threshold.versus,
                    n=n, where=loaded.where("thresholds", index, key),
                )


def _slices(
    loaded: LoadedSuite, index: int, threshold: Threshold, offer: Offer, mistakes: list[Mistake]
) -> list[str]:
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


def level(slice_name: str, offer: Offer) -> str:
    """`overall`, `area`, `category` or `extra`, told by the name."""
    return "extra" if slice_name in offer.extra else level_of(slice_name)


def _waivers(loaded: LoadedSuite, checks: dict[str, Check], mistakes: list[Mistake]) -> dict[str, int]:
    waived: dict[str, int] = {}
    for index, waiver in enumerate(loaded.suite.waivers):
        # brackets are part of every check id, so they are literal here; fnmatch never backtracks over its stars
        pattern = waiver.check.replace("[", "[[]")
        matched = [check_id for check_id in checks if fnmatchcase(check_id, pattern)]
        at = loaded.where("waivers", index, "check")
        if not matched:
            todo = "correct the id (`dsafe check FILE --list` prints all) or remove the waiver"
            mistakes.append(Mistake(*at, f"waiver {waiver.check!r} matches no check of this suite", todo))
        for check_id in matched:
            if check_id in waived:
                _, line, _ = loaded.where("waivers", waived[check_id], "check")
                mistakes.append(Mistake(*at, f"{check_id} is already waived at line {line}", "keep one of the two"))
            else:
                waived[check_id] = index
    return waived


def _measurement(loaded: LoadedSuite, model_name: str, benchmark: str, offer: Offer) -> Measurement:
    use = loaded.suite.benchmarks[benchmark]
    reasoning = loaded.suite.models[model_name].reasoning is not None
    said = use.sampling
    default_temperature, default_top_p = _SAMPLING_REASONING if reasoning else (0.0, 1.0)
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


def seed_of(suite_seed: int, benchmark: str, sample_id: str, k: int) -> int:
    """Seed of one response, 63 bits. The model is left out: two models draw from the same noise, which pairs them."""
    text = f"{suite_seed}|{benchmark}|{sample_id}|{k}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1

