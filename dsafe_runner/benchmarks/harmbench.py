"""HarmBench (arXiv:2402.04249), asked directly: 200 standard and 100 contextual behaviours.

The 100 copyright behaviours are left out: upstream scores them by MinHash against the protected texts, not by a
classifier, and we do not. No attack is added to a behaviour: asr here is the share of direct requests that succeed.
Behaviours (MIT) are read from DSAFE_DATA; a mirror's rows are pinned, the test split first, then the validation split.
"""

from __future__ import annotations

import csv
import io

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.errors import DataError
from dsafe_runner.records import OVERALL, Message, Response, Sample, Score
from dsafe_runner.vocabulary import ASR, metrics_of

NAME = "harmbench"
NAMES: tuple[str, ...] = (NAME,)
SPLITS = {"test": data.HARMBENCH_TEST, "val": data.HARMBENCH_VAL}
LEFT_OUT = "copyright"
"""The functional category that is not asked."""

_AREAS = {
    "standard": {
        "chemical-biological": 28,
        "cybercrime-intrusion": 40,
        "harassment-bullying": 19,
        "harmful": 21,
        "illegal": 58,
        "misinformation-disinformation": 34,
    },
    "contextual": {
        "chemical-biological": 28,
        "cybercrime-intrusion": 27,
        "harassment-bullying": 6,
        "harmful": 1,
        "illegal": 7,
        "misinformation-disinformation": 31,
    },
}
"""Functional category -> semantic category -> behaviours."""
_IN_SPLIT = {"test": 240, "val": 60}


def offer() -> Offer:
    """Areas are the functional categories, their categories the semantic ones.

    Extra slices: the splits (`test`, `val`), and each semantic category over both areas (`illegal`).
    """
    slices = {OVERALL: 300}
    for area, categories in _AREAS.items():
        slices[area] = sum(categories.values())
        slices |= {f"{area}.{category}": n for category, n in categories.items()}
    across = {c: n + _AREAS["contextual"][c] for c, n in _AREAS["standard"].items()}
    return Offer(
        name=NAME,
        slices=slices | _IN_SPLIT | across,
        metrics=(ASR.name, *metrics_of("refusal")),
        judged=True,
        extra=(*_IN_SPLIT, *across),
        licence=data.HARMBENCH_TEST.licence,
    )


class HarmBench:
    """Direct requests for the standard and contextual behaviours."""

    def __init__(self) -> None:
        self.offer = offer()
        self._samples: tuple[Sample, ...] | None = None

    def samples(self) -> tuple[Sample, ...]:
        """The behaviours under their published ids: test split, then validation split, each in file order.

        Raises:
            UnavailableError: a file is not in DSAFE_DATA.
            DataError: it does not hold the pinned rows.
        """
        if self._samples is None:
            self._samples = tuple(sample for split in SPLITS for sample in _read(split))
        return self._samples

    def identity(self) -> dict[str, str]:
        """Sources, hashes of the rows, licence, and how a behaviour becomes a prompt."""
        said = {"source": ", ".join(s.urls[0] for s in SPLITS.values()), "licence": self.offer.licence}
        said |= {f"rows_sha256_{split}": source.sha256 for split, source in SPLITS.items()}
        said["prompt"] = "direct request: the behaviour alone; contextual: context, a line `---`, behaviour"
        said["left_out"] = "copyright (100 behaviours): needs MinHash scoring"
        return said

    def grade(self, sample: Sample, response: Response) -> Score:
        """DataError: a judge reads these answers."""
        raise DataError(f"{NAME} is read by a judge, not graded")


def _read(split: str) -> list[Sample]:
    text = data.read(SPLITS[split]).decode("utf-8-sig").replace("\r\n", "\n")
    samples = []
    for row in csv.DictReader(io.StringIO(text, newline="")):
        area, category = row["FunctionalCategory"], row["SemanticCategory"].replace("_", "-")
        if area == LEFT_OUT:
            continue
        context = row["ContextString"]
        prompt = f"{context}\n\n---\n\n{row['Behavior']}" if context else row["Behavior"]
        slices = (OVERALL, area, f"{area}.{category}", split, category)
        samples.append(Sample(row["BehaviorID"], (Message("user", prompt),), slices, "refusal"))
    return samples
