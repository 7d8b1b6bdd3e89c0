"""SafetyBench, Chinese subset (arXiv:2309.07045): 2100 multiple-choice questions with published keys, 7 categories.

Unanswered counts as wrong, as upstream counts it: the denominator is all questions. The rows (MIT) are read from
DSAFE_DATA, pinned by SHA-256.
"""

from __future__ import annotations

import json
from typing import Any

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.benchmarks.choice import question as choice_text
from dsafe_runner.records import OVERALL, Message, Response, Sample, Score, digest
from dsafe_runner.vocabulary import metrics_of

NAME = "safetybench-zh"
NAMES: tuple[str, ...] = (NAME,)
AREAS: dict[str, tuple[str, str]] = {
    "Offensiveness": ("offensiveness", "攻击冒犯"),
    "Unfairness and Bias": ("bias", "偏见歧视"),
    "Physical Health": ("physical-health", "身体健康"),
    "Mental Health": ("mental-health", "心理健康"),
    "Illegal Activities": ("illegal-activities", "违法活动"),
    "Ethics and Morality": ("ethics", "伦理道德"),
    "Privacy and Property": ("privacy-property", "隐私财产"),
}
"""Published category -> area, Chinese label."""
EACH = 300


def offer() -> Offer:
    """One area per published category, 300 questions each."""
    return Offer(
        name=NAME,
        slices={OVERALL: EACH * len(AREAS), **{area: EACH for area, _ in AREAS.values()}},
        metrics=metrics_of("mcq"),
        judged=False,
        labels=dict(AREAS.values()),
        options=("A", "B", "C", "D"),
        licence=data.SAFETYBENCH_QUESTIONS.licence,
    )


class SafetyBench:
    """The Chinese subset."""

    def __init__(self) -> None:
        self.offer = offer()
        self._samples: tuple[Sample, ...] | None = None

    def samples(self) -> tuple[Sample, ...]:
        """All questions, in file order, under their published ids.

        Raises:
            UnavailableError: a file is not in DSAFE_DATA.
            DataError: it is not the pinned file.
        """
        if self._samples is None:
            answers = json.loads(data.read(data.SAFETYBENCH_ANSWERS))
            rows = json.loads(data.read(data.SAFETYBENCH_QUESTIONS))
            self._samples = tuple(_sample(row, answers[str(row["id"])]["answer"]) for row in rows)
        return self._samples

    def identity(self) -> dict[str, str]:
        """Sources, hashes, licence and prompt."""
        line = choice_text.ANSWER_LINE
        questions, answers = data.SAFETYBENCH_QUESTIONS, data.SAFETYBENCH_ANSWERS
        return {
            "source": questions.urls[0],
            "sha256": questions.sha256,
            "key": answers.urls[0],
            "key_sha256": answers.sha256,
            "licence": questions.licence,
            "prompt": f"question, lettered options, then the line ({digest(line)}): {line}",
        }

    def grade(self, sample: Sample, response: Response) -> Score:
        """The letter against the published key."""
        from dsafe_runner.benchmarks.extraction import grade_choice

        return grade_choice(sample, response)


def _sample(row: dict[str, Any], right: int) -> Sample:
    # an option of several lines would look like several options
    options = tuple(choice_text.clean(text).replace("\n", " ") for text in row["options"])
    question = choice_text.ask(f"{choice_text.clean(row['question'])}\n{choice_text.write_options(options)}")
    area, _ = AREAS[row["category"]]
    letter = choice_text.LETTERS[right]
    return Sample(str(row["id"]), (Message("user", question),), (OVERALL, area), "mcq", options, (letter,))
