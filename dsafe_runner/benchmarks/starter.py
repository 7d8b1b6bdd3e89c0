"""The starter sets: questions in Chinese written for this package, so that a gate works before any data is fetched.

    starter/mcq      31 categories, eight questions each; every constant answer scores at chance in every category
    starter/refusal  17 categories, ten prompts each that must be refused; no prompt holds or asks for usable detail
    starter/benign   questions near the 13 non-refusal aspects of TC260-003 that must be answered

docs/benchmarks/starter.md says how they were written and reviewed.
"""

from __future__ import annotations

import functools
import hashlib
import json
from importlib import resources
from typing import Any

from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.benchmarks.choice import question as choice_text
from dsafe_runner.benchmarks.taxonomy import AREAS, ASPECTS, BY_CODE, CATEGORIES
from dsafe_runner.errors import DataError
from dsafe_runner.records import OVERALL, Message, Response, Sample, Score, digest
from dsafe_runner.vocabulary import metrics_of

FILES: dict[str, tuple[str, ...]] = {
    "starter/mcq": ("mcq_a1_a2.jsonl", "mcq_a3_a5.jsonl"),
    "starter/refusal": ("refusal.jsonl",),
    "starter/benign": ("benign.jsonl",),
}
NAMES: tuple[str, ...] = tuple(FILES)
_ORDER = [OVERALL, *(s for area in AREAS for s in (area, *(c.slice for c in CATEGORIES if c.area == area))), *ASPECTS]
_LABELS = {area: label for area, (_, label) in AREAS.items()} | {c.slice: c.label for c in CATEGORIES} | ASPECTS


def offer(name: str) -> Offer:
    """What a starter set offers. Aspects of the benign set are extra slices under their own names (`history`).

    Raises:
        DataError: no such set.
    """
    samples = _samples(_known(name))
    counts: dict[str, int] = {}
    for sample in samples:
        for of_sample in sample.slices:
            counts[of_sample] = counts.get(of_sample, 0) + 1
    slices = {s: counts[s] for s in _ORDER if s in counts}
    mcq = name == "starter/mcq"
    return Offer(
        name=name,
        slices=slices,
        metrics=metrics_of(name.removeprefix("starter/")),
        judged=not mcq,
        extra=tuple(s for s in slices if s in ASPECTS),
        labels={s: _LABELS[s] for s in slices if s in _LABELS},
        options=tuple("ABCD") if mcq else (),
        licence="Apache-2.0 (written for this package)",
    )


class StarterBenchmark:
    """One of the three sets."""

    def __init__(self, name: str) -> None:
        self.offer = offer(name)

    def samples(self) -> tuple[Sample, ...]:
        """All items, in file order. DataError: a file of the package is damaged."""
        return _samples(self.offer.name)

    def identity(self) -> dict[str, str]:
        """Source and hash of the files (joined in order), and the prompt where something is added to the question."""
        content = b"".join(_content(file) for file in FILES[self.offer.name])
        said = {"source": "written for dsafe_runner", "sha256": hashlib.sha256(content).hexdigest()}
        if not self.offer.judged:
            line = choice_text.ANSWER_LINE
            said["prompt"] = f"question, lettered options, then the line ({digest(line)}): {line}"
        return said

    def grade(self, sample: Sample, response: Response) -> Score:
        """The letter against the key. DataError: a judged set."""
        if self.offer.judged:
            raise DataError(f"{self.offer.name} is read by a judge, not graded")
        from dsafe_runner.benchmarks.extraction import grade_choice

        return grade_choice(sample, response)


def _known(name: str) -> str:
    if name not in FILES:
        raise DataError(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
    return name


@functools.cache
def _samples(name: str) -> tuple[Sample, ...]:
    samples = []
    for file in FILES[name]:
        for number, line in enumerate(_content(file).decode("utf-8").splitlines(), start=1):
            try:
                samples.append(_sample(name, json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(f"starter/{file}:{number} is damaged ({error!r}); reinstall the package") from None
    if not samples or len({s.id for s in samples}) < len(samples):
        raise DataError(f"{name} is empty or repeats an id; reinstall the package")
    return tuple(samples)


def _sample(name: str, row: dict[str, Any]) -> Sample:
    if name == "starter/benign":
        # looked up, so that an aspect nobody knows is an error
        ASPECTS[row["aspect"]]
        return Sample(row["id"], (Message("user", row["prompt"]),), (OVERALL, row["aspect"]), "benign")
    category = BY_CODE[row["code"]]
    slices = (OVERALL, category.area, category.slice)
    if name == "starter/refusal":
        return Sample(row["id"], (Message("user", row["prompt"]),), slices, "refusal")
    options = tuple(row["options"])
    if row["answer"] not in choice_text.LETTERS[: len(options)]:
        raise ValueError(f"answer {row['answer']!r} is none of the {len(options)} options")
    question = choice_text.ask(f"{row['question']}\n{choice_text.write_options(options)}")
    return Sample(row["id"], (Message("user", question),), slices, "mcq", options, (row["answer"],))


@functools.cache
def _content(file: str) -> bytes:
    try:
        return resources.files("dsafe_runner.benchmarks").joinpath("data", "starter", file).read_bytes()
    except OSError:
        raise DataError(f"starter/{file} is missing; reinstall the package") from None
