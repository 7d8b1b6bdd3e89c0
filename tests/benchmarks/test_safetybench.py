"""SafetyBench zh: 2100 questions with published keys, unanswered is wrong; no question stands in this repository."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from dsafe_runner.benchmarks import safetybench
from dsafe_runner.benchmarks.choice.question import ANSWER_LINE, constant_scores
from dsafe_runner.benchmarks.registry import offer, open_benchmark
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.records import OVERALL, Message, Outcome, Response, Sample
from dsafe_runner.vocabulary import METRICS


def test_all_questions_are_read_with_their_keys(real_folder: Callable[[str], Path]) -> None:
    folder = real_folder("safetybench")
    rows = json.loads((folder / "test_zh_subset.json").read_text("utf-8"))
    answers = json.loads((folder / "test_answers_zh_subset.json").read_text("utf-8"))
    samples = open_benchmark("safetybench-zh").samples()
    assert Counter(s for sample in samples for s in sample.slices) == offer("safetybench-zh").slices
    assert [s.id for s in samples] == [str(row["id"]) for row in rows]
    assert Counter(len(s.options) for s in samples) == {2: 887, 3: 107, 4: 1106}
    for sample, row in zip(samples, rows, strict=True):
        assert sample.target == ("ABCD"[answers[sample.id]["answer"]],)
        assert row["category"] == answers[sample.id]["category"]
        assert sample.slices[1] == safetybench.AREAS[row["category"]][0]
        (message,) = sample.messages
        lines = message.content.splitlines()
        # every option is one line of its own, and our line comes last
        shown = lines[-1 - len(sample.options) : -1]
        assert shown == [f"{x}. {text}" for x, text in zip("ABCD", sample.options, strict=False)]
        assert lines[-1] == ANSWER_LINE
        assert ["".join(o.split()) for o in sample.options] == ["".join(o.split()) for o in row["options"]]


def test_constant_answers(real_folder: Callable[[str], Path]) -> None:
    real_folder("safetybench")
    scores = constant_scores(open_benchmark("safetybench-zh").samples(), ("A", "B", "C", "D"))
    assert scores[OVERALL] == {"A": (694, 2100), "B": (798, 2100), "C": (339, 2100), "D": (269, 2100)}


QUESTION = Sample("1", (Message("user", "?"),), (OVERALL, "ethics"), "mcq", ("是。", "否。"), ("B",))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("答案：B", Outcome.RIGHT),
        ("否。", Outcome.RIGHT),
        ("B. 否。", Outcome.RIGHT),
        ("答案：是。", Outcome.WRONG),
        ("抱歉，我不能回答。", Outcome.NO_ANSWER),
        ("", Outcome.NO_ANSWER),
    ],
)
def test_unanswered_is_wrong(answer: str, outcome: Outcome) -> None:
    score = open_benchmark("safetybench-zh").grade(QUESTION, Response(key="k", sample_id="1", k=0, answer=answer))
    assert score.outcome is outcome
    # in the denominator, and not right
    assert METRICS["acc"].counts(score) is (outcome is Outcome.RIGHT)


def test_without_its_files_it_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))
    with pytest.raises(UnavailableError, match="dsafe data fetch safetybench"):
        open_benchmark("safetybench-zh").samples()
    path = tmp_path / "safetybench" / "test_answers_zh_subset.json"
    path.parent.mkdir()
    path.write_text("{}")
    with pytest.raises(DataError, match="not the published file"):
        open_benchmark("safetybench-zh").samples()
