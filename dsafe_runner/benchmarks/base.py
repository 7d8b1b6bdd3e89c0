"""What a benchmark is to the rest of the package, and the registry of names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from dsafe_runner.records import Response, Sample, Score


@dataclass(frozen=True, slots=True)
class Offer:
    """What a benchmark offers, known without its data.

    slices   slice -> number of items, `overall` first; names tell levels: `overall`, `<area>`, `<area>.<category>`
    extra    slices that are neither (e.g. `uncontested`): only reachable by `slices:`
    metrics  names from vocabulary.METRICS
    judged   True: a judge is needed, False: the benchmark grades itself
    max_tokens  default token budget: for ordinary models, for reasoning models
    labels   slice -> what people call it
    options  option letters of a multiple-choice set
    licence  one line
    gated    its authors ask that no question be shown: questions are kept out of everything a run writes but the store
    """

    name: str
    slices: dict[str, int]
    metrics: tuple[str, ...]
    judged: bool
    extra: tuple[str, ...] = ()
    max_tokens: tuple[int, int] = (1024, 8192)
    labels: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    licence: str = ""
    gated: bool = False


class Benchmark(Protocol):
    """Samples and their scoring."""

    offer: Offer

    def samples(self) -> tuple[Sample, ...]:
        """All items, in file order.

        Raises:
            UnavailableError: the data is not on this machine.
            DataError: it is here but is not the pinned data.
        """

    def identity(self) -> dict[str, str]:
        """What makes the data and the key what they are (source, sha256, key variant); goes into the manifest."""

    def grade(self, sample: Sample, response: Response) -> Score:
        """Score of a graded response; judged benchmarks are scored by their judge instead."""


@runtime_checkable
class Varied(Protocol):
    """A benchmark that asks an item differently each time, e.g. with its options in another order."""

    def variant(self, sample: Sample, k: int, seed: int) -> Sample:
        """The item as it is asked the k-th time in a suite with this seed: same id, slices and kind."""


@runtime_checkable
class SlowGrading(Protocol):
    """A benchmark whose grading costs seconds or a sandbox: its scores are stored and made once."""

    def grader(self) -> dict[str, str]:
        """What makes a score what it is: name, version and limits of the grader."""

    def grade_all(self, pairs: Iterable[tuple[Sample, Response]]) -> Iterator[Score]:
        """A score per pair, in any order, each as soon as it is made."""
