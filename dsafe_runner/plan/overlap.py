"""Training data held against the benchmarks it will be judged by: each file of a suite's `overlap` is a check."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dsafe_runner.errors import Mistake
from dsafe_runner.plan.checks import ContaminationCheck
from dsafe_runner.plan.ids import OVERLAP, training_subject
from dsafe_runner.plan.shape import Measurement
from dsafe_runner.plan.subjects import resolve
from dsafe_runner.records import OVERALL, Sampling
from dsafe_runner.suite.spec import LoadedSuite
from dsafe_runner.vocabulary import OVERLAPPING


def training_file(loaded: LoadedSuite, name: str) -> Path:
    """The file of training samples behind a name of `overlap`."""
    return resolve(loaded.path.parent, loaded.suite.overlap[name].training)


def overlap_checks(loaded: LoadedSuite, mistakes: list[Mistake]) -> Iterable[ContaminationCheck]:
    """One check per file: at most so many of its samples may hold a benchmark item."""
    for name, spec in loaded.suite.overlap.items():
        file = training_file(loaded, name)
        if file.suffix != ".jsonl":
            at = loaded.where("overlap", name, "training")
            mistakes.append(Mistake(*at, f"{file.name} is no .jsonl file", "name one; for recipes: dsafe overlap"))
        rows = _rows(file)
        if 0 < rows <= spec.max:
            at = loaded.where("overlap", name, "max")
            what = f"max: {spec.max} allows every one of the {rows} samples to overlap, so nothing could fail"
            mistakes.append(Mistake(*at, what, "say a number well below it; 0 unless said"))
        yield ContaminationCheck(
            training=name,
            slice=OVERALL,
            metric=OVERLAPPING.name,
            limit=float(spec.max),
            n=rows,
            where=loaded.where("overlap", name, "max"),
        )


def overlap_measurements(loaded: LoadedSuite) -> Iterable[Measurement]:
    """The comparisons those checks read; no model takes part."""
    for name in loaded.suite.overlap:
        yield Measurement(training_subject(name), OVERLAP, Sampling(), samples=1)


def _rows(file: Path) -> int:
    """Samples in a file; 0 where it is not on this machine, which the comparison says."""
    try:
        with file.open("rb") as lines:
            return sum(1 for line in lines if line.strip())
    except OSError:
        return 0
