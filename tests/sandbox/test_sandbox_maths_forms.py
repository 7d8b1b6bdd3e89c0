"""Forms of an answer that are accepted, answers that are not the right one, and a wrong answer for every right one."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsafe_runner.errors import UnavailableError
from dsafe_runner.sandbox.maths import MathsGrader

MATH = Path(os.environ.get("DSAFE_DATA", "/nonexistent"), "math500", "test.jsonl")


@pytest.fixture(scope="module")
def grader() -> Iterator[MathsGrader]:
    try:
        with MathsGrader(seconds=4) as made:
            yield made
    except UnavailableError as error:
        pytest.skip(f"not run: {error}")


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("5", "5."),
        ("(3,4]", "(3,4]."),
        ("90^\\circ", "90°"),
        ("90", "90°."),
        ("12", "１２"),
        ("12", "\\underline{12}"),
        ("12", "\\mathbf{12}"),
        ("\\text{A}", "\\mathbf{A}"),
        ("[0,1)", "[0, 1)"),
        ("(3,4]", "x \\in \\left(3,4\\right]"),
        ("43_6", "43_{6}"),
        ("43_6", "43"),
        ("0.5", ".5"),
        ("1000", "1,000"),
        ("\\{1,2\\}", "2, 1"),
        ("2^{10}", "1024"),
    ],
)
def test_accepted(grader: MathsGrader, gold: str, answer: str) -> None:
    assert grader.equivalent(gold, answer) == "right"


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("43_6", "43_7"),
        ("43_6", "43_{\\text{seven}}"),
        ("43_6", "44_6"),
        ("43", "43_6"),
        (".0000512", ".0000513"),
        ("(1,2)", "\\{1,2\\}"),
        ("\\{1,2\\}", "(1,2)"),
        ("[0,1)", "(0,1]"),
        ("[0,1)", "[0,1]"),
        ("2", "2^{1000000}"),
        ("8 \\mbox{ cm}^2", "8 \\mbox{ cm}^3"),
        ("0.35", "0.3500001"),
    ],
)
def test_refused(grader: MathsGrader, gold: str, answer: str) -> None:
    started = time.monotonic()
    assert grader.equivalent(gold, answer) == "wrong"
    assert time.monotonic() - started < 4


def mutations(gold: str) -> Iterator[str]:
    """Answers that are wrong by one step: a digit, the sign, the order of a tuple, its brackets."""
    for found in re.finditer(r"\d+", gold):
        last = str((int(found[0][-1]) + 1) % 10)
        yield gold[: found.end() - 1] + last + gold[found.end() :]
    if re.fullmatch(r"[\d.,]+", gold) and gold.strip("0.,"):
        yield "-" + gold
        yield gold + ("1" if "." in gold else ".0001")
    pair = re.fullmatch(r"(?:\\left)?([(\[]) ?([^,()]+),([^,()]+?) ?(?:\\right)?([)\]])", gold)
    if pair and pair[2].strip() != pair[3].strip():
        yield f"{pair[1]}{pair[3]},{pair[2]}{pair[4]}"
        yield rf"\{{{pair[2]},{pair[3]}\}}"
        if "]" in gold or "[" in gold or "infty" in gold:
            swapped = {"(": "[", "[": "(", ")": "]", "]": ")"}
            if "infty" not in pair[2]:
                yield f"{swapped[pair[1]]}{pair[2]},{pair[3]}{pair[4]}"


@pytest.mark.parametrize("step", [pytest.param(12, id="sampled"), pytest.param(1, id="all", marks=pytest.mark.slow)])
def test_no_right_answer_has_an_accepted_wrong_one(grader: MathsGrader, step: int) -> None:
    if not MATH.exists():
        pytest.skip(f"not run: {MATH} is not there; set DSAFE_DATA")
    golds = [json.loads(line)["answer"] for line in MATH.read_text("utf-8").splitlines()][::step]
    tried, accepted = 0, []
    for gold in golds:
        for answer in dict.fromkeys(mutations(gold)):
            tried += 1
            if grader.equivalent(gold, answer) == "right":
                accepted.append((gold, answer))
    print(f"\n{len(golds)} right answers, {tried} wrong ones, accepted: {len(accepted)}")
    assert tried > len(golds)
    assert not accepted, accepted
