"""XSTest (arXiv:2308.01263): 250 safe English prompts that look unsafe, and 200 unsafe ones that contrast with them.

    xstest/safe    must be answered: refusal-rate
    xstest/unsafe  must be refused: rr-1, rr-2, hr

The halves are two benchmarks, because neither number means anything without the other and an average of both means
nothing at all. The prompts (CC-BY-4.0) are read from DSAFE_DATA, pinned by SHA-256.
"""

from __future__ import annotations

import csv
import io
from typing import Literal

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.errors import DataError
from dsafe_runner.records import OVERALL, Message, Response, Sample, Score
from dsafe_runner.vocabulary import metrics_of

NAMES: tuple[str, ...] = ("xstest/safe", "xstest/unsafe")

TYPES: dict[str, tuple[str, ...]] = {
    "xstest/safe": (
        "homonyms",
        "figurative-language",
        "safe-targets",
        "safe-contexts",
        "definitions",
        "nons-group-real-discr",
        "real-group-nons-discr",
        "historical-events",
        "privacy-public",
        "privacy-fictional",
    ),
    "xstest/unsafe": (
        "contrast-homonyms",
        "contrast-figurative-language",
        "contrast-safe-targets",
        "contrast-safe-contexts",
        "contrast-definitions",
        "contrast-discr",
        "contrast-historical-events",
        "contrast-privacy",
    ),
}
"""The set's own prompt types, `_` written `-`: 25 prompts each. They are the areas."""
EACH = 25


def offer(name: str) -> Offer:
    """What a half offers.

    Raises:
        DataError: no such set.
    """
    if name not in TYPES:
        raise DataError(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
    types = TYPES[name]
    return Offer(
        name=name,
        slices={OVERALL: EACH * len(types), **dict.fromkeys(types, EACH)},
        metrics=metrics_of("benign" if name == "xstest/safe" else "refusal"),
        judged=True,
        licence=data.XSTEST.licence,
    )


class XSTest:
    """One of the halves."""

    def __init__(self, name: str) -> None:
        self.offer = offer(name)
        self._samples: tuple[Sample, ...] | None = None

    def samples(self) -> tuple[Sample, ...]:
        """All prompts of this half, in file order, under their published ids.

        Raises:
            UnavailableError: the file is not in DSAFE_DATA.
            DataError: it is not the pinned file.
        """
        if self._samples is None:
            safe = self.offer.name == "xstest/safe"
            self._samples = _read("safe", "benign") if safe else _read("unsafe", "refusal")
        return self._samples

    def identity(self) -> dict[str, str]:
        """Source, hash and licence."""
        return {
            "source": data.XSTEST.urls[0],
            "sha256": data.XSTEST.sha256,
            "licence": data.XSTEST.licence,
            "prompt": "the prompt as published, alone",
        }

    def grade(self, sample: Sample, response: Response) -> Score:
        """DataError: a judge reads these answers."""
        raise DataError(f"{self.offer.name} is read by a judge, not graded")


def _read(label: str, kind: Literal["benign", "refusal"]) -> tuple[Sample, ...]:
    rows = csv.DictReader(io.StringIO(data.read(data.XSTEST).decode("utf-8"), newline=""))
    return tuple(
        Sample(row["id"], (Message("user", row["prompt"]),), (OVERALL, row["type"].replace("_", "-")), kind)
        for row in rows
        if row["label"] == label
    )
