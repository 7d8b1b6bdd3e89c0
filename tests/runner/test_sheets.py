"""What is put into a sheet is text there, whatever it begins with."""

from __future__ import annotations

import csv

import pytest

from dsafe_runner.judges.sheet import SheetJudge
from dsafe_runner.records import Message, Response, Sample
from dsafe_runner.runner.judging import Answer
from dsafe_runner.runner.sheets import append_answers

SAMPLE = Sample("a", (Message("user", "问"),), ("overall",), "content")


@pytest.mark.parametrize("text", ["=1+1", "＝HYPERLINK(1)", "＠SUM(1)", "－1", " =1+1", "\n=1+1", "\u3000+1", "\t=1"])
def test_no_answer_is_a_formula(tmp_path, text):
    response = Response("key", "a", 0, text)
    assert append_answers(tmp_path / "s.csv", [("m", Answer(SAMPLE, response))]) == (1, 0)
    with (tmp_path / "s.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["answer"] == "'" + text
    # and it is still the answer that was given
    content = (tmp_path / "s.csv").read_text(encoding="utf-8").rstrip("\n")
    assert content.endswith(",,,")
    (tmp_path / "s.csv").write_text(content.removesuffix(",,,") + ",pass,li,\n", encoding="utf-8")
    assert SheetJudge(tmp_path / "s.csv").label(SAMPLE, response).label == 1
