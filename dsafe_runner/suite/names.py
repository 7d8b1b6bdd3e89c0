"""A suite held against itself and against what the benchmarks offer: names, metrics, slices, limits.

Works on a draft, in which entries that did not validate are None: one broken model must not hide a misspelt slice, nor
make every threshold on it "unknown".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.benchmarks.registry import CUSTOM, NAMES, TAKES, offer
from dsafe_runner.config.words import listed, quoted, suggestion
from dsafe_runner.errors import DsafeError, Mistake
from dsafe_runner.suite.limits import limit_mistakes
from dsafe_runner.suite.spec import BenchmarkUse, Model, Threshold, Waiver
from dsafe_runner.suite.waivers import waiver_mistakes
from dsafe_runner.vocabulary import METRICS

Where = Callable[..., tuple[str, int, int]]
"""Keys and indices -> file, line, column of that value."""

_BANKS = TAKES["draw"]


@dataclass(frozen=True)
class Catalogue:
    """What the benchmarks offer.

    names  every name `use:` may have
    offer  (use, path of a custom file) -> its offer; DsafeError where a custom file cannot be read
    """

    names: Sequence[str]
    offer: Callable[[str, Path | None], Offer]


PACKAGE = Catalogue(NAMES, lambda use, file: offer(use, path=file))
"""What the benchmarks of this package offer."""


@dataclass(frozen=True)
class Draft:
    """A suite as far as it validated. None: an entry that did not; a section that is None: nothing is known of it."""

    folder: Path
    engines: frozenset[str] | None
    models: Mapping[str, Model | None] | None
    judges: frozenset[str] | None
    baselines: frozenset[str] | None
    benchmarks: Mapping[str, BenchmarkUse | None] | None
    thresholds: Mapping[int, Threshold | None]
    waivers: Mapping[int, Waiver | None]


def name_mistakes(draft: Draft, catalogue: Catalogue, where: Where) -> list[Mistake]:
    """Every mistake in a draft, with its place."""
    check = _Check(draft, catalogue, where)
    return list(check.all())


class _Check:
    def __init__(self, draft: Draft, catalogue: Catalogue, where: Where) -> None:
        self.draft = draft
        self.catalogue = catalogue
        self.where = where
        self.offers: dict[str, Offer | None] = {
            name: self.offer(use) if use else None for name, use in (draft.benchmarks or {}).items()
        }

    def offer(self, use: BenchmarkUse) -> Offer | None:
        """None where there is none to be had; a custom file that cannot be read is the plan's to report."""
        if use.use not in self.catalogue.names or (use.use in TAKES["path"]) != bool(use.path):
            return None
        # what a bank offers is known without it
        read = use.path if use.use == CUSTOM else None
        try:
            return self.catalogue.offer(use.use, self.draft.folder / Path(read).expanduser() if read else None)
        except (DsafeError, OSError, ValueError, RuntimeError):  # RuntimeError: `~nobody`
            return None

    def all(self) -> Iterable[Mistake]:
        for name in sorted((self.draft.baselines or frozenset()) & frozenset(self.draft.models or ())):
            what = f"{quoted(name)} is a baseline and a model"
            yield Mistake(*self.where("baselines", name), what, "give one of them another name")
        for name, model in (self.draft.models or {}).items():
            if model:
                yield from self.known(model.engine, self.draft.engines, "engine", ("models", name, "engine"))
        for name, use in (self.draft.benchmarks or {}).items():
            if use:
                yield from self.benchmark(name, use)
        for index, threshold in self.draft.thresholds.items():
            if threshold:
                yield from self.threshold(index, threshold)
        for index, waiver in self.draft.waivers.items():
            if waiver:
                yield from self.waiver(index, waiver)

    def known(self, name: str, names: Iterable[str] | None, what: str, loc: tuple[str | int, ...]) -> Iterable[Mistake]:
        """A mistake unless `name` is one of `names`."""
        if names is None or name in (names := list(names)):
            return
        todo = suggestion(name, names, f"the {what}s are") or f"add it under `{what}s:`"
        yield Mistake(*self.where(*loc), f"unknown {what} {quoted(name)}", todo)

    def benchmark(self, name: str, use: BenchmarkUse) -> Iterable[Mistake]:
        loc = ("benchmarks", name)
        if use.use not in self.catalogue.names:
            todo = suggestion(use.use, self.catalogue.names, "there are")
            yield Mistake(*self.where(*loc, "use"), f"unknown benchmark {quoted(use.use)}", todo)
        for key, only in TAKES.items():
            if getattr(use, key) is not None and use.use not in only and use.use in self.catalogue.names:
                does = "does" if len(only) == 1 else "do"
                what = f"{use.use} takes no {key}, only {listed(only)} {does}"
                yield Mistake(*self.where(*loc, key), what, "remove it")
        if use.use in TAKES["path"] and use.path is None:
            yield Mistake(*self.where(*loc), f"{name}: {use.use} needs a file", "add `path: FILE.jsonl` or .csv")
        offer = self.offers[name]
        if use.judge is not None:
            yield from self.known(use.judge, self.draft.judges, "judge", (*loc, "judge"))
            if offer and not offer.judged:
                yield Mistake(*self.where(*loc, "judge"), f"{use.use} grades itself and takes no judge", "remove it")
        elif offer and offer.judged:
            judges = self.draft.judges or frozenset()
            section = "" if judges else "`judges: {rules: {kind: rules}}` and "
            todo = f"add {section}`judge: {min(judges, default='rules')}`"
            yield Mistake(*self.where(*loc), f"{name}: {use.use} needs a judge", todo)
        if use.scoring == "letters":
            if offer and not offer.options:
                what = f"scoring: letters needs multiple-choice items, which {use.use} has not"
                yield Mistake(*self.where(*loc, "scoring"), what, "remove it")
            if use.samples > 1:
                what = f"samples: {use.samples} with scoring: letters, which always gives the same answer"
                yield Mistake(*self.where(*loc, "samples"), what, "remove samples")
        elif use.samples > 1 and use.sampling.temperature == 0:
            what = f"samples: {use.samples} at temperature 0 are {use.samples} times the same response"
            yield Mistake(*self.where(*loc, "samples"), what, "remove samples or raise the temperature")

    def threshold(self, index: int, threshold: Threshold) -> Iterable[Mistake]:
        loc = ("thresholds", index)
        models = [threshold.model] if isinstance(threshold.model, str) else threshold.model
        yield from self.known(threshold.benchmark, self.draft.benchmarks, "benchmark", (*loc, "benchmark"))
        for position, model in enumerate(models):
            yield from self.known(model, self.draft.models, "model", (*loc, "model", position))
        if threshold.versus is not None:
            sides = None if self.draft.models is None else [*self.draft.models, *(self.draft.baselines or ())]
            yield from self.known(threshold.versus, sides, "model", (*loc, "versus"))
            if threshold.versus in models:
                what = f"versus: {quoted(threshold.versus)} is compared with itself"
                yield Mistake(*self.where(*loc, "versus"), what, "name another model")
        for key in ("model", "per", "slices"):
            if getattr(threshold, key) == []:
                yield Mistake(*self.where(*loc, key), f"{key}: an empty list gives no check", "write at least one")
        offer = self.offers.get(threshold.benchmark)
        yield from self.metric(index, threshold, offer)
        yield from self.slices(index, threshold, offer)
        yield from limit_mistakes(index, threshold, METRICS.get(threshold.metric), self.where)

    def metric(self, index: int, threshold: Threshold, offer: Offer | None) -> Iterable[Mistake]:
        metric = threshold.metric
        place = self.where("thresholds", index, "metric")
        if metric not in METRICS:
            names = list(offer.metrics if offer else METRICS)
            todo = suggestion(metric, names, f"the metrics of {threshold.benchmark} are" if offer else "there are")
            yield Mistake(*place, f"unknown metric {quoted(metric)}", todo)
        elif offer and metric not in offer.metrics:
            what = f"{threshold.benchmark} has no metric {quoted(metric)}"
            yield Mistake(*place, what, f"its metrics are {listed(offer.metrics)}")

    def slices(self, index: int, threshold: Threshold, offer: Offer | None) -> Iterable[Mistake]:
        loc = ("thresholds", index)
        if threshold.per is not None and threshold.slices is not None:
            yield Mistake(*self.where(*loc, "slices"), "per and slices together", "keep one of the two")
        use = (self.draft.benchmarks or {}).get(threshold.benchmark)
        # which slices a draw from a bank has is known once it is drawn, which is the plan's to do
        if offer is None or (use and use.use in _BANKS):
            return
        names = list(dict.fromkeys([*offer.slices, *offer.extra]))
        for position, name in enumerate(threshold.slices or []):
            if name not in names:
                todo = suggestion(name, names, "its slices are")
                what = f"{threshold.benchmark} has no slice {quoted(name)}"
                yield Mistake(*self.where(*loc, "slices", position), what, todo)
        levels = {level_of(name) for name in offer.slices if name not in offer.extra}
        for position, level in enumerate(threshold.per or []):
            if level not in levels:
                what = f"{threshold.benchmark} has no slice of level {level}"
                todo = f"its levels are {listed(v for v in ('overall', 'area', 'category') if v in levels)}"
                yield Mistake(*self.where(*loc, "per", position), what, todo)

    def waiver(self, index: int, waiver: Waiver) -> Iterable[Mistake]:
        yield from waiver_mistakes(index, waiver, self.where)


def level_of(name: str) -> str:
    """`overall`, `area` or `category`: what the name of a slice says of its level."""
    if name == "overall":
        return name
    return "category" if "." in name else "area"
