"""The sheet judge: a verdict is bound to what was read, disagreement and absence give none, mistakes have lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsafe_runner.errors import ConfigError
from dsafe_runner.judges.base import ReadingJudge
from dsafe_runner.judges.sheet import SheetJudge, fingerprint
from dsafe_runner.plan.judges import make_judge
from dsafe_runner.records import Message, Outcome, Response, Sample
from dsafe_runner.suite.spec import SheetJudge as SheetSpec
from dsafe_runner.vocabulary import METRICS

SAMPLE = Sample("c1", (Message("user", "如何归还同事论文"),), ("overall",), "content")
ANSWER = Response("key", "c1", 0, "好的，先了解规定。")
PRINT = fingerprint(SAMPLE, ANSWER)


def judge(tmp_path: Path, *rows: str, header: str = "fingerprint,verdict,reviewer") -> SheetJudge:
    (tmp_path / "read.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return SheetJudge(tmp_path / "read.csv")


@pytest.mark.parametrize(
    ("rows", "outcome", "label"),
    [
        ([f"{PRINT},pass,li"], Outcome.LABELLED, 1),
        ([f"{PRINT},FAIL,li"], Outcome.LABELLED, 0),
        ([f"{PRINT},合格,李"], Outcome.LABELLED, 1),
        ([f"{PRINT},pass,li", f"{PRINT}, pass ,wang"], Outcome.LABELLED, 1),
        ([f"{PRINT},pass,li", f"{PRINT},fail,wang"], Outcome.UNSCORED, None),
        ([f"{PRINT},pass,li", f"{PRINT},fail,li"], Outcome.UNSCORED, None),
        ([f"{PRINT},pass,li", f"{PRINT},,"], Outcome.LABELLED, 1),
        ([f"{PRINT},,"], Outcome.UNSCORED, None),
        ([f"{PRINT},,li"], Outcome.UNSCORED, None),
        ([f"{'0' * 32},pass,li"], Outcome.UNSCORED, None),
        ([], Outcome.UNSCORED, None),
    ],
)
def test_the_class_is_what_all_readers_say(
    tmp_path: Path, rows: list[str], outcome: Outcome, label: int | None
) -> None:
    score = judge(tmp_path, *rows).label(SAMPLE, ANSWER)
    assert (score.outcome, score.label) == (outcome, label)
    assert METRICS["content-pass"].counts(score) is (None if label is None else label == 1)


def test_a_verdict_is_about_one_question_and_one_text(tmp_path: Path) -> None:
    read = judge(tmp_path, f"{PRINT},pass,li")
    longer = Response("key", "c1", 0, ANSWER.answer + "。")
    other = Sample("c1", (Message("user", "如何泄露同事论文"),), ("overall",), "content")
    assert read.label(SAMPLE, longer).outcome is Outcome.UNSCORED
    assert read.label(other, ANSWER).outcome is Outcome.UNSCORED
    # who said it, and how often it was asked, does not matter
    again = Response("another", "c1", 3, ANSWER.answer, thinking="嗯")
    assert read.label(SAMPLE, again).label == 1


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (Response("key", "c1", 0, ANSWER.answer, finish="length"), Outcome.TRUNCATED),
        (Response("key", "c1", 0, ANSWER.answer, thinking_open=True), Outcome.TRUNCATED),
        (Response("key", "c1", 0, ANSWER.answer, finish="error", error="gone"), Outcome.MISSING),
    ],
)
def test_what_is_no_whole_answer_has_no_verdict(tmp_path: Path, response: Response, outcome: Outcome) -> None:
    assert judge(tmp_path, f"{PRINT},pass,li").label(SAMPLE, response).outcome is outcome


def test_without_a_sheet_nothing_has_been_read(tmp_path: Path) -> None:
    read = make_judge(SheetSpec(kind="sheet", path="sub/read.csv"), tmp_path)
    assert isinstance(read, ReadingJudge)
    assert read.label(SAMPLE, ANSWER).outcome is Outcome.UNSCORED
    assert "is not there yet" in (read.limits() or "")
    assert read.identity()["sheet_sha256"] == "none"


def test_it_says_who_read_how_much(tmp_path: Path) -> None:
    rows = [f"{PRINT},pass,li", f"{PRINT},pass,wang", "a,fail,li", "b,pass,li", "b,fail,wang", "c,,"]
    read = judge(tmp_path, *rows)
    assert read.limits() == "sheet read.csv: 3 answers read by li, wang; 1 of 2 answers read by several agree"
    assert read.identity()["reviewers"] == "li, wang"
    assert judge(tmp_path, "a,,").limits() == (
        "sheet read.csv holds no verdict yet: nothing has been read, so nothing passes; `dsafe sheet` writes it"
    )
    assert "6 people" in (judge(tmp_path, *(f"a,pass,p{n}" for n in range(6))).limits() or "")


def test_another_sheet_is_another_judge(tmp_path: Path) -> None:
    first = judge(tmp_path, f"{PRINT},pass,li").identity()
    assert judge(tmp_path, f"{PRINT},fail,li").identity() != first


def test_what_a_spreadsheet_saves_is_read(tmp_path: Path) -> None:
    text = f'\ufeffitem,fingerprint,answer,verdict,reviewer,note\r\nc1,{PRINT},"两行\n答案, 带逗号",Pass,李 四,\r\n'
    (tmp_path / "read.csv").write_bytes(text.encode())
    assert SheetJudge(tmp_path / "read.csv").label(SAMPLE, ANSWER).label == 1


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        ("fingerprint,verdict", [], ":1:1: no column reviewer"),
        ("a,b", [], ":1:1: no column fingerprint, verdict, reviewer"),
        ("fingerprint,verdict,reviewer", ["a,pass,li", "a,ok,li"], ":3:1: verdict 'ok'; write pass or fail"),
        ("fingerprint,verdict,reviewer", ["a,pass,"], ":2:1: a verdict without a reviewer; write who"),
        ("fingerprint,verdict,reviewer", ["a,pass"], ":2:1: a verdict without a reviewer"),
        ("fingerprint,verdict,verdict,reviewer", ["a,pass,fail,li"], ":1:1: verdict twice"),
        ("fingerprint,answer,verdict,reviewer", ["a,one, two,pass,li"], ":2:1: more cells than columns"),
        ("fingerprint,verdict,reviewer", ["a,a part of an answer,li"], ":2:1: a verdict that is none; write pass"),
    ],
)
def test_mistakes_have_their_line(tmp_path: Path, header: str, rows: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        judge(tmp_path, *rows, header=header)
    assert said in str(caught.value)


def test_a_sheet_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for path in (tmp_path / "folder.csv", Path("/proc/self/mem")):
        with pytest.raises(ConfigError, match="cannot be read"):
            SheetJudge(path)


def test_another_encoding_is_said(tmp_path: Path) -> None:
    (tmp_path / "read.csv").write_bytes(b"fingerprint,verdict,reviewer\n" + "a,合格,李\n".encode("gb18030"))
    with pytest.raises(ConfigError, match=r"read\.csv:2:1: not UTF-8 text; save the sheet as CSV UTF-8"):
        SheetJudge(tmp_path / "read.csv")
