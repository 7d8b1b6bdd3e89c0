"""Scores survive their file, and a file that is not whole decides nothing."""

from __future__ import annotations

import pytest

from dsafe_runner.errors import EvidenceError
from dsafe_runner.records import Outcome, Score
from dsafe_runner.verdicts.evidence import fill, read_evidence, write_evidence


@pytest.fixture
def written(tmp_path):
    scores = [Score("a", 0, Outcome.RIGHT, answer="A", response_key="k"), Score("b", 1, Outcome.LABELLED, 2)]
    evidence = fill("m::b", 2, {"a": ("overall", "x"), "b": ("overall",)}, scores)
    path = tmp_path / "scores.jsonl"
    write_evidence(path, evidence)
    return path, evidence


def test_there_and_back(written):
    path, evidence = written
    assert read_evidence(path) == evidence


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text.rsplit("\n", 2)[0] + "\n",
        lambda text: text[:-20],
        lambda text: text.replace('["missing", null, null, "", null, null, null], ', "", 1),
        lambda text: text.replace('"labelled"', '"harmless"'),
        lambda text: text.replace('"items": 2', '"items": 3'),
        lambda text: text.replace('"samples": 2', '"samples": 1'),
        lambda text: text.replace("{", "[1, ", 1).replace("}", "]", 1),
    ],
)
def test_a_file_that_is_not_whole_is_an_error(written, spoil):
    path, _ = written
    text = path.read_text()
    assert spoil(text) != text
    path.write_text(spoil(text))
    with pytest.raises(EvidenceError, match="measure again"):
        read_evidence(path)
