r"""MATH-500: 500 competition problems with one answer each, asked for in \boxed{} and compared as mathematics.

The problems of openai/prm800k's test split (MIT), read from DSAFE_DATA, pinned by the SHA-256 of their rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.benchmarks.math500.boxed import last_boxed
from dsafe_runner.benchmarks.thread_map import cores, thread_map
from dsafe_runner.records import OVERALL, Message, Outcome, Response, Sample, Score, digest
from dsafe_runner.sandbox.maths import MathsGrader, MathsVerdict
from dsafe_runner.vocabulary import metrics_of

NAME = "math-500"
ASK = r"Please reason step by step, and put your final answer within \boxed{}."
"""The line DeepSeek recommends for its R1 models (README of deepseek-ai/DeepSeek-R1); all models are asked alike."""
SUBJECTS: dict[str, tuple[str, int]] = {
    "algebra": ("Algebra", 124),
    "counting-and-probability": ("Counting & Probability", 38),
    "geometry": ("Geometry", 41),
    "intermediate-algebra": ("Intermediate Algebra", 97),
    "number-theory": ("Number Theory", 62),
    "prealgebra": ("Prealgebra", 82),
    "precalculus": ("Precalculus", 56),
}
"""Slice -> its name in the file, and its items."""
LEVELS: dict[str, int] = {"level-1": 43, "level-2": 90, "level-3": 105, "level-4": 128, "level-5": 134}
SECONDS = 10.0
"""CPU time of one comparison."""

_PER_THREAD = 250  # answers that are worth a grader of their own, which takes a second to start
_OUTCOMES = {
    MathsVerdict.RIGHT: Outcome.RIGHT,
    MathsVerdict.WRONG: Outcome.WRONG,
    MathsVerdict.UNREADABLE: Outcome.NO_ANSWER,
    # the grader did not come to an end: nothing is known of the answer
    MathsVerdict.TIME: Outcome.MISSING,
}


def offer() -> Offer:
    """What the set offers; the data need not be there."""
    return Offer(
        name=NAME,
        slices={OVERALL: 500, **{name: n for name, (_, n) in SUBJECTS.items()}, **LEVELS},
        metrics=metrics_of("maths"),
        judged=False,
        extra=tuple(LEVELS),
        max_tokens=(4096, 32768),
        labels={name: label for name, (label, _) in SUBJECTS.items()},
        licence=data.MATH_500.licence,
    )


class Math500:
    """The set. Graded by math-verify in a process of its own, which needs the extra `math`."""

    def __init__(self) -> None:
        self.offer = offer()
        self._samples: tuple[Sample, ...] | None = None

    def samples(self) -> tuple[Sample, ...]:
        """All items, in file order.

        Raises:
            UnavailableError: the file is not in DSAFE_DATA, or math-verify is not installed: told before anything is
                generated that could not be graded.
            DataError: it has other rows than the pinned ones.
        """
        if self._samples is None:
            content = data.read(data.MATH_500).decode("utf-8-sig")
            # only \n ends a line of JSON Lines; U+2028 and the like may stand inside a string
            self._samples = tuple(_sample(json.loads(line)) for line in content.split("\n") if line.strip())
        MathsGrader(SECONDS).close()
        return self._samples

    def identity(self) -> dict[str, str]:
        """Source, hash and prompt."""
        return {
            "source": data.MATH_500.urls[0],
            "sha256": f"{data.MATH_500.sha256} (of the rows)",
            "licence": data.MATH_500.licence,
            "prompt": f"the problem, then the line ({digest(ASK)}): {ASK}",
        }

    def grader(self) -> dict[str, str]:
        """What makes a score what it is. UnavailableError: math-verify is not installed."""
        MathsGrader(SECONDS).close()
        return {"extraction": "last-boxed/1", "cpu_seconds": f"{SECONDS:g}", **MathsGrader.describe()}

    def grade(self, sample: Sample, response: Response) -> Score:
        """Score of one response; starts a grader for it, so `grade_all` is the way for many."""
        (score,) = self.grade_all([(sample, response)])
        return score

    def grade_all(self, pairs: Iterable[tuple[Sample, Response]]) -> Iterator[Score]:
        r"""A score per pair, in any order, each as soon as it is made.

        MISSING: the engine failed, or comparing took too long. TRUNCATED: the budget ended inside the thinking or
        before a whole \boxed{}. NO_ANSWER: no \boxed{} in the answer, or nothing in it that can be read. Else RIGHT or
        WRONG.
        """
        waiting = list(pairs)
        threads = min(cores(), 1 + len(waiting) // _PER_THREAD)
        return thread_map(waiting, _grade, threads)


def _sample(row: dict[str, str]) -> Sample:
    by_label = {label: name for name, (label, _) in SUBJECTS.items()}
    slices = (OVERALL, by_label[row["subject"]], f"level-{row['level']}")
    message = Message("user", f"{row['problem'].strip()}\n{ASK}")
    return Sample(row["unique_id"], (message,), slices, "maths", target=(row["answer"],))


def _grade(pairs: Iterator[tuple[Sample, Response]]) -> Iterator[Score]:
    with MathsGrader(SECONDS) as grader:
        for sample, response in pairs:
            outcome, answer = _outcome(grader, sample, response)
            yield Score(sample.id, response.k, outcome, answer=answer, response_key=response.key)


def _outcome(grader: MathsGrader, sample: Sample, response: Response) -> tuple[Outcome, str | None]:
    if response.finish == "error":
        return Outcome.MISSING, None
    if response.thinking_open:
        return Outcome.TRUNCATED, None
    answer = last_boxed(response.answer)
    if answer is None:
        return Outcome.TRUNCATED if response.finish == "length" else Outcome.NO_ANSWER, None
    return _OUTCOMES[grader.equivalent(sample.target[0], answer)], answer
